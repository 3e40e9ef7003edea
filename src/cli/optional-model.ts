// MODEL as the first argument of a command that does without: with one argument more than it needs, the first is the model.
import { type Command } from 'commander';
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

/** Declares `[MODEL] NEEDED…` on a command. The action gets the list that {@link tellModel} tells apart. */
export function withOptionalModel(command: Command, needed: readonly NeededArgument[]): Command {
  const described = [
    ['[model]', 'a model file (.onnx); without it the starter embedder'] as const,
    ...needed.map(([name, text]) => [`<${name}>`, text] as const),
  ];
  const width = Math.max(...described.map(([name]) => name.length)) + 2;
  return command
    .argument('<arguments...>')
    .usage(`[options] ${described.map(([name]) => name).join(' ')}`)
    .configureHelp({ visibleArguments: () => [] })
    .addHelpText(
      'after',
      ['', 'Arguments:', ...described.map(([name, text]) => `  ${name.padEnd(width)}${text}`)].join('\n'),
    );
}

/** Which of the given arguments is the model, if one is. @throws UsageError for another number than the command takes. */
export function tellModel(given: readonly string[], needed: readonly NeededArgument[]): GivenArguments {
  const names = needed.map(([name]) => name.toUpperCase());
  const expected = `${names.join(' ')}, or MODEL ${names.join(' ')}`;
  const isModel = given[0]?.toLowerCase().endsWith('.onnx') === true;
  if (given.length === needed.length && !isModel) return { model: undefined, others: given };
  if (given.length === needed.length + 1) return { model: given[0], others: given.slice(1) };
  throw new UsageError(given.length > needed.length ? 'There are too many arguments.' : 'An argument is missing.', {
    got: given.join(' '),
    expected,
    next:
      isModel && given.length === needed.length
        ? `${given[0]} is taken for the model: add what comes after it, or leave it out for the starter embedder`
        : 'leave MODEL out for the starter embedder',
  });
}
