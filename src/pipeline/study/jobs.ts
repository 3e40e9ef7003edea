// Workers in processes of their own, side by side: what one of them dies of, the others and the study survive.
import { type ChildProcess, spawn } from 'node:child_process';
import { SphereFaceError } from '../../common/errors.js';
import { stopped } from './cell.js';
import type { StudyPlan } from './cells.js';
import { statusOf, writeFailure } from './records.js';
import type { WorkerEvent } from './worker.js';

export interface JobsOptions {
  /** Processes at a time. */
  readonly jobs: number;
  /** The command of a worker, which tells its events by `process.send` ({@link tellParent}). */
  readonly command: readonly string[];
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: WorkerEvent) => void;
}

/**
 * Runs workers until every one has come to its end. One that dies (killed, out of memory, a crash of the engine) fails the cell that
 * it was at work on, and another takes its place.
 * @throws InterruptedError if the signal was aborted
 */
export async function runJobs(plan: StudyPlan, options: JobsOptions): Promise<void> {
  const { signal } = options;
  const children: Children = new Map();
  const stop = (): void => {
    for (const child of children.keys()) child.kill('SIGTERM');
  };
  signal?.addEventListener('abort', stop);
  try {
    await Promise.all(Array.from({ length: options.jobs }, () => keepWorking(plan, options, children)));
  } finally {
    signal?.removeEventListener('abort', stop);
  }
  if (signal?.aborted === true) throw stopped();
}

/** The workers that live, and whether each waits for cells that others are at work on. */
type Children = Map<ChildProcess, boolean>;

async function keepWorking(plan: StudyPlan, options: JobsOptions, children: Children): Promise<void> {
  const stopping = (): boolean => options.signal?.aborted === true;
  while (!stopping()) {
    let current: string | undefined;
    const [file, ...args] = options.command;
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    children.set(child, false);
    const silent = new Promise<void>((resolve) => child.once('disconnect', resolve));
    child.on('message', (message) => {
      const event = message as WorkerEvent;
      if (event.type === 'begun') current = event.key;
      if (event.type === 'judged' || event.type === 'failed') current = undefined;
      if (children.has(child)) children.set(child, event.type === 'waiting');
      // One that waits for its siblings is as it should be.
      if (event.type === 'waiting' && [...children.values()].includes(false)) return;
      options.onEvent?.(event);
    });
    const ended = await new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) =>
        resolve(code === 0 ? undefined : `ended with ${signal ?? `status ${code}`}`),
      );
    });
    children.delete(child);
    // What it said last may come after its end.
    if (child.connected) await silent;
    if (ended === undefined || stopping()) return;
    const cell = plan.cells.find(({ key }) => key === current);
    // Died before it had begun anything: another one would die the same way.
    if (cell === undefined) {
      throw new SphereFaceError('A worker of the study ended before it had begun a cell.', {
        got: `it ${ended}`,
        next: 'what it has written above says why; --jobs 1 works in this process',
      });
    }
    if ((await statusOf(cell, plan)) === 'judged') continue;
    const message = `the process that was at work on it ${ended}`;
    await writeFailure(cell, message);
    options.onEvent?.({ type: 'failed', key: cell.key, message });
  }
}

/**
 * In a worker's process: tells an event to the process that has started it. One that is gone is told nothing: the worker is about to stop
 * with a checkpoint, and must not die of the closed channel before.
 */
export function tellParent(event: WorkerEvent): void {
  if (process.connected) process.send?.(event, () => undefined);
}
