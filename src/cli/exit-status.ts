// The exit statuses of all commands, by one rule: 0 done, 1 it went wrong, 2 what the user wrote is wrong, 130 interrupted.
import { CommanderError } from 'commander';
import { InterruptedError, UsageError } from '../common/index.js';

/** What a shell shows for Ctrl-C; here for every signal that asks a command to stop. */
export const interruptedStatus = 130;

/** The exit status for anything a command has thrown. */
export function exitStatus(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof InterruptedError) return interruptedStatus;
  return error instanceof UsageError ? 2 : 1;
}
