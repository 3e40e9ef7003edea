// Ctrl-C, for all commands: the first asks the work to stop where it can go on later, the second ends the process at once.
import { InterruptedError, messageOf, SphereFaceError } from '../common/index.js';
import { interruptedStatus } from './exit-status.js';
import { clearLive } from './live-line.js';
import { isFirst } from './ranks.js';

/** SIGUSR2 as well: mpirun passes it on to all ranks, where SIGINT and SIGTERM leave them a second until it kills them. */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const;

/** What the first signal aborts; absent: the command has nothing to bring to an end. */
let stoppable: AbortController | undefined;

let quiet = false;

/** For a process that works for another one, which says itself that the work stops. */
export function interruptQuietly(): void {
  quiet = true;
}

/** Takes the signals over for the whole process; call it once, before a command runs. */
export function handleInterrupts(): void {
  for (const signal of signals) process.on(signal, interrupt);
}

function interrupt(): void {
  clearLive();
  if (stoppable === undefined || stoppable.signal.aborted) {
    // Temporary files go in the listeners of `exit`.
    process.exit(interruptedStatus);
  }
  if (isFirst() && !quiet) process.stderr.write('\nstopping after this step (again to stop at once)\n');
  stoppable.abort();
}

/**
 * Runs `work` with a signal that the first interruption aborts. When it was aborted the exit status is 130, whether the work
 * rejects (then with an {@link InterruptedError}) or comes to an end of its own.
 */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  stoppable = stop;
  try {
    return await work(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted || error instanceof InterruptedError) throw error;
    const next = error instanceof SphereFaceError ? error.parts.next : undefined;
    throw new InterruptedError({ got: messageOf(error), ...(next === undefined ? {} : { next }), cause: error });
  } finally {
    stoppable = undefined;
    if (stop.signal.aborted) process.exitCode = interruptedStatus;
  }
}
