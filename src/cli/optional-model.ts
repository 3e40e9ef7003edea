// MODEL as the first argument of a command that does without: with one argument more than it needs, the first is the model.
import type { Command } from 'commander';
import { UsageError } from '../common/index.js';

/** An argument that a command needs, with its description. */
export type NeededArgument = readonly [name: string, description: string];

/** The arguments as they were given, told apart. */
export interface GivenArguments {
  /** Absent: the starter embedder. */
  readonly model: string | undefined;
  /** As many as the command needs. */
  readonly others: readonly string[];
}

/** Declares `[model] NEEDED…` on a command, whose action gets one list for {@link tellModel}: commander knows no optional argument before others. */
export function withOptionalModel(command: Command, needed: readonly NeededArgument[]): Command {
  const described = [
    ['[model]', 'a model file (.onnx); without it the starter embedder'],
    ...needed.map(([name, description]) => [`<${name}>`, description]),
  ];
  const width = Math.max(...described.map(([term]) => term.length)) + 2;
  const list = described.map(([term, description]) => `  ${term.padEnd(width)}${description}`);
  return command
    .argument('<arguments...>')
    .usage(`[options] ${described.map(([term]) => term).join(' ')}`)
    .configureHelp({ visibleArguments: () => [] })
    .addHelpText('after', ['', 'Arguments:', ...list].join('\n'));
}

/** Which of the given arguments is the model, if one is. @throws UsageError for another number than the command takes. */
export function tellModel(given: readonly string[], needed: readonly NeededArgument[]): GivenArguments {
  const modelFirst = /\.onnx$/i.test(given[0] ?? '');
  if (given.length === needed.length && !modelFirst) return { model: undefined, others: given };
  if (given.length === needed.length + 1) return { model: given[0], others: given.slice(1) };
  const names = needed.map(([name]) => name.toUpperCase()).join(' ');
  throw new UsageError(given.length > needed.length ? 'There are too many arguments.' : 'An argument is missing.', {
    got: given.join(' '),
    expected: `${names}, or MODEL ${names}`,
    next: modelFirst ? `${given[0]} is the model; name ${names} after it` : 'leave MODEL out for the starter embedder',
  });
}
