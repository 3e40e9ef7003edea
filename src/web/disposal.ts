// The symbols of explicit resource management, for browsers that do not have them yet. Imported before anything that uses them.
for (const name of ['dispose', 'asyncDispose'] as const) {
  if (Symbol[name] === undefined) Object.defineProperty(Symbol, name, { value: Symbol.for(`Symbol.${name}`) });
}
