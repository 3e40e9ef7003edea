// A worker: takes cells that nobody is at work on, one after the other, until none of its share is left. Any number may share a folder.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Claim, claimFile } from '../../common/claim.js';
import { InterruptedError, messageOf, SphereFaceError } from '../../common/errors.js';
import { type CellOptions, stopped, workOn } from './cell.js';
import type { Cell, StudyPlan } from './cells.js';
import { isTrained, readFailure, statusOf, writeFailure } from './records.js';

/** A part of the cells: the i-th of n, i from 1. */
export interface Share {
  readonly part: number;
  readonly parts: number;
}

/** What a worker tells. Cells are named by their keys, so that it can be told across processes. */
export type WorkerEvent =
  | { readonly type: 'begun'; readonly key: string }
  /** Nothing is left but what others are at work on, such as this cell; told once. */
  | { readonly type: 'waiting'; readonly key: string }
  | { readonly type: 'iteration'; readonly key: string; readonly done: number }
  | { readonly type: 'warning'; readonly key: string; readonly text: string }
  | { readonly type: 'judged'; readonly key: string; readonly accuracy: number; readonly iteration: number }
  | { readonly type: 'failed'; readonly key: string; readonly message: string };

export interface WorkerOptions extends Pick<CellOptions, 'device' | 'threads' | 'signal'> {
  readonly share?: Share;
  readonly onEvent?: (event: WorkerEvent) => void;
}

/** The cells of a share. */
export function cellsOfShare(cells: readonly Cell[], share: Share = { part: 1, parts: 1 }): readonly Cell[] {
  return cells.filter((_, i) => i % share.parts === share.part - 1);
}

/** Milliseconds between looks at cells that others are at work on. */
const lookAgain = 1000;

/**
 * Works until every cell of the share is judged or has failed. The start of a cell is done first, by whoever needs it first.
 * @throws InterruptedError if the signal was aborted
 */
export async function work(plan: StudyPlan, options: WorkerOptions): Promise<void> {
  const share = cellsOfShare(plan.cells, options.share);
  const { signal, onEvent } = options;
  let told = false;
  for (;;) {
    let waiting = false;
    let worked = false;
    let taken: Cell | undefined;
    for (const cell of share) {
      if (signal?.aborted === true) throw stopped();
      const next = await nextOf(cell, plan);
      if (next === undefined) continue;
      const done = await attempt(next, plan, options);
      worked ||= done;
      waiting ||= !done || next !== cell;
      if (!done) taken ??= next;
    }
    if (!waiting) return;
    if (worked) continue;
    if (taken !== undefined && !told) onEvent?.({ type: 'waiting', key: taken.key });
    told = true;
    await sleep(lookAgain);
  }
}

/** What is to be done for a cell: itself, or the start it lacks; `undefined` if it is finished, one way or the other. */
async function nextOf(cell: Cell, plan: StudyPlan): Promise<Cell | undefined> {
  const status = await statusOf(cell, plan);
  return status === 'judged' || status === 'failed' ? undefined : await firstLacking(cell, plan);
}

/** The cell, or what its start lacks a model by: a start that is judged but has lost its model is worked on again. */
async function firstLacking(cell: Cell, plan: StudyPlan): Promise<Cell> {
  const { start } = cell;
  if (typeof start !== 'object' || (await isTrained(cell)) || (await isTrained(start))) return cell;
  // A start that failed: the attempt on this cell says so.
  return (await statusOf(start, plan)) === 'failed' ? cell : await firstLacking(start, plan);
}

/** Claims a cell's folder, which is made; `undefined` if another process is at work there. */
export async function claimCell({ folder }: Cell): Promise<Claim | undefined> {
  await mkdir(folder, { recursive: true });
  const claim = await Claim.take(join(folder, claimFile));
  return claim instanceof Claim ? claim : undefined;
}

/** Works on a cell if nobody else does; says whether it did. A failure is the cell's, not the study's. */
async function attempt(cell: Cell, plan: StudyPlan, options: WorkerOptions): Promise<boolean> {
  await using claim = await claimCell(cell);
  if (claim === undefined) return false;
  const { key } = cell;
  const status = await statusOf(cell, plan);
  if (status === 'failed' || (status === 'judged' && (await isTrained(cell)))) return true;
  const { onEvent } = options;
  onEvent?.({ type: 'begun', key });
  try {
    await assertStart(cell);
    const { accuracy, iteration } = await workOn(cell, plan, {
      ...options,
      onIteration: (done) => onEvent?.({ type: 'iteration', key, done }),
      onWarning: (text) => onEvent?.({ type: 'warning', key, text }),
    });
    onEvent?.({ type: 'judged', key, accuracy, iteration });
  } catch (error) {
    if (error instanceof InterruptedError || options.signal?.aborted === true) throw error;
    const message = messageOf(error);
    await writeFailure(cell, message);
    onEvent?.({ type: 'failed', key, message });
  }
  return true;
}

async function assertStart({ start }: Cell): Promise<void> {
  if (typeof start !== 'object' || (await isTrained(start))) return;
  const failure = await readFailure(start);
  throw new SphereFaceError(`Its start, ${start.name}, has failed.`, {
    got: failure?.message.split('\n')[0] ?? 'no model',
  });
}
