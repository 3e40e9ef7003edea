// How a command's error is told: words on stderr, with `--json` one object on stdout too.
import { type Command, CommanderError } from 'commander';
import { messageOf, SphereFaceError } from '../common/index.js';
import { hasPrintedResult } from './context.js';
import { inFlags } from './flags.js';
import { say } from './say.js';

/** The object of an error under `--json`. */
export interface ErrorObject {
  readonly error: {
    /** What was wrong. */
    readonly message: string;
    readonly got?: string;
    readonly expected?: string;
    /** What to do now. */
    readonly next?: string;
  };
}

/**
 * Tells an error that a command has thrown.
 * @param command the one that was running: options are called by its flags
 * @param json whether it was given `--json` @param who the rank that tells it, where there are several
 */
export function reportError(
  error: unknown,
  command: Command,
  { json, who }: { readonly json: boolean; readonly who?: string | undefined },
): void {
  if (error instanceof CommanderError) {
    // Commander has written its message itself; or the help, which is no error.
    if (error.exitCode !== 0 && json) printObject(error, command);
    return;
  }
  say(`${who === undefined ? '' : `${who}: `}error: ${inFlags(messageOf(error), command)}`, 'stderr');
  if (process.env.SPHEREFACE_DEBUG !== undefined && error instanceof Error) say(String(error.stack), 'stderr');
  if (json) printObject(error, command);
}

function printObject(error: unknown, command: Command): void {
  if (!hasPrintedResult()) process.stdout.write(`${JSON.stringify(errorObject(error, command))}\n`);
}

function errorObject(error: unknown, command: Command): ErrorObject {
  const inWords = (text: string): string => inFlags(text, command);
  if (!(error instanceof SphereFaceError)) {
    return { error: { message: inWords(messageOf(error).replace(/^error: /, '')) } };
  }
  const { got, expected, next } = error.parts;
  return {
    error: {
      message: inWords(error.what),
      ...(got === undefined ? {} : { got: inWords(got) }),
      ...(expected === undefined ? {} : { expected: inWords(expected) }),
      ...(next === undefined ? {} : { next: inWords(next) }),
    },
  };
}
