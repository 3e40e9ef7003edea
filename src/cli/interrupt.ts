// Ctrl-C on long work: the first asks it to stop where it can go on later, the second ends the process as usual.
import type { Output } from './context.js';

/** Runs `work` with a signal that the first SIGINT or SIGTERM aborts. */
export async function untilInterrupted<T>(output: Output, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const interrupt = () => {
    output.line('\nstopping after this step (again to stop at once)');
    stop.abort();
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await work(stop.signal);
  } finally {
    process.removeListener('SIGINT', interrupt).removeListener('SIGTERM', interrupt);
  }
}
