// How a command's error is told: words on stderr, with `--json` one object on stdout too.
import { CommanderError } from 'commander';
import { messageOf, SphereFaceError } from '../common/index.js';
import { hasPrintedResult } from './context.js';
import { clearLive } from './live-line.js';

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
 */
export function reportError(error: unknown, json: boolean): void {
  if (error instanceof CommanderError) {
    // Commander has written its message itself; or the help, which is no error.
    if (error.exitCode !== 0 && json) printObject(error);
    return;
  }
  clearLive();
  process.stderr.write(`error: ${messageOf(error)}\n`);
  if (process.env.SPHEREFACE_DEBUG !== undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  if (json) printObject(error);
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
