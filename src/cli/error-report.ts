// How a command's error is told: words on stderr, with `--json` one object on stdout too, and the exit code.
import { CommanderError } from 'commander';
import { messageOf, SphereFaceError, UsageError } from '../common/index.js';
import { hasPrintedResult } from './context.js';

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
 * @param json whether the command was given `--json`
 * @returns the exit code: 2 for what the user wrote, 1 for what went wrong, 0 where help or the version was asked for
 */
export function reportError(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) {
    // Commander has written its message, or the help, itself.
    if (error.exitCode === 0) return 0;
    if (json) printObject(error);
    return 2;
  }
  process.stderr.write(`error: ${messageOf(error)}\n`);
  if (process.env.SPHEREFACE_DEBUG !== undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  if (json) printObject(error);
  return error instanceof UsageError ? 2 : 1;
}

function printObject(error: unknown): void {
  if (!hasPrintedResult()) process.stdout.write(`${JSON.stringify(errorObject(error))}\n`);
}

/** An error as data. */
export function errorObject(error: unknown): ErrorObject {
  if (!(error instanceof SphereFaceError)) return { error: { message: messageOf(error).replace(/^error: /, '') } };
  const { got, expected, next } = error.parts;
  return {
    error: {
      message: error.what,
      ...(got === undefined ? {} : { got }),
      ...(expected === undefined ? {} : { expected }),
      ...(next === undefined ? {} : { next }),
    },
  };
}
