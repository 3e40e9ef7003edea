// The front of studies: lays out the data, plans the cells, works on them here or in several processes, and writes the results.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { requireWritableFolder } from '../../common/writable.js';
import { type Cell, planStudy, type StudyPlan } from './cells.js';
import { prepareStudyData } from './data.js';
import { runJobs } from './jobs.js';
import { outlineStudy } from './outline.js';
import { statusOf } from './records.js';
import { type StudyFiles, writeResults } from './results.js';
import type { StudyDefinition } from './schema.js';
import type { StudySummary } from './summary.js';
import { cellsOfShare, work, type WorkerEvent, type WorkerOptions } from './worker.js';

export interface OpenStudyOptions {
  readonly onProgress?: (done: number, total: number) => void;
}

/** Checks a study, lays out its data in its folder, and plans its cells. Nothing is trained yet. */
export async function openStudy(
  definition: StudyDefinition,
  folder: string,
  { onProgress }: OpenStudyOptions = {},
): Promise<StudyPlan> {
  const outline = await outlineStudy(definition);
  await requireWritableFolder(folder);
  return planStudy(outline, await prepareStudyData(definition, folder, onProgress), folder);
}

export interface RunStudyOptions extends Omit<WorkerOptions, 'onEvent'> {
  /** Processes side by side. With more than one, `workerCommand` is the command of one: `sphereface study … --worker`. */
  readonly jobs?: number;
  readonly workerCommand?: readonly string[];
  readonly onEvent?: (event: WorkerEvent, cell: Cell) => void;
}

/** Seconds between writings of the results while cells are being finished. */
const writeAgain = 120;

/**
 * Works on the cells of a study until each is judged or has failed; cells that failed before are tried again. Results are written as
 * cells are finished, at most every two minutes, and at the end.
 * @throws InterruptedError if the signal was aborted; the same call goes on from there
 */
export async function runStudy(
  plan: StudyPlan,
  folder: string,
  options: RunStudyOptions = {},
): Promise<{ readonly summary: StudySummary; readonly files: StudyFiles }> {
  const { jobs = 1, workerCommand, onEvent, ...worker } = options;
  for (const cell of cellsOfShare(plan.cells, options.share)) {
    if ((await statusOf(cell, plan)) === 'failed') await rm(join(cell.folder, 'failure.json'), { force: true });
  }
  const cells = new Map(plan.cells.map((cell) => [cell.key, cell]));
  let written = performance.now();
  let writing: Promise<unknown> = Promise.resolve();
  const tell = (event: WorkerEvent): void => {
    onEvent?.(event, cells.get(event.key)!);
    if (event.type !== 'judged' || performance.now() - written < 1000 * writeAgain) return;
    written = performance.now();
    // One that fails is no loss: the last one, which is waited for, tells why.
    writing = writing.then(() => writeResults(plan, folder)).catch(() => undefined);
  };
  try {
    if (jobs === 1 || workerCommand === undefined) await work(plan, { ...worker, onEvent: tell });
    else {
      const { signal } = worker;
      await runJobs(plan, { jobs, command: workerCommand, onEvent: tell, ...(signal === undefined ? {} : { signal }) });
    }
  } finally {
    await writing;
  }
  return writeResults(plan, folder);
}
