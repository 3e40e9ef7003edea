// The report of one run: its training curves as a page, and as an event file for TensorBoard.
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../common/atomic.js';
import { SphereFaceError } from '../../common/errors.js';
import { requireWritableFolder } from '../../common/writable.js';
import { type LogLine, logOf } from '../../training/index.js';
import { readRun } from '../../training/run-record.js';
import { eventFile, type ScalarStep } from './events.js';
import { pointsOf, runCharts } from './log-curves.js';

export interface ReportRunOptions {
  /** The folder of the run; it may be still going on. */
  readonly run: string;
  /** The folder of the page; `report` in the run by default. */
  readonly output?: string;
  /** Write an event file for TensorBoard into this folder. */
  readonly tensorboard?: string;
  /** Told of lines that the log should not have. */
  readonly onWarning?: (text: string) => void;
}

export interface RunReportFiles {
  readonly page: string;
  readonly events: string | undefined;
  readonly lines: number;
}

/** Writes the report. @throws SphereFaceError for a folder without a run, or one without a line in its log. */
export async function reportRun({ run, output, tensorboard, onWarning }: ReportRunOptions): Promise<RunReportFiles> {
  const { recipe, record } = await readRun(run);
  const lines = await logOf(run).lines(onWarning);
  if (lines.length === 0) {
    throw new SphereFaceError(`${run} has logged nothing yet.`, {
      expected: `a line every ${recipe.log.display} iterations (log.display)`,
    });
  }
  const folder = output ?? join(run, 'report');
  await requireWritableFolder(folder);
  if (tensorboard !== undefined) await requireWritableFolder(tensorboard);
  await mkdir(folder, { recursive: true });
  const page = join(folder, 'index.html');
  // Drawing is loaded here so that the other commands start without it.
  const { renderRun } = await import('./page.js');
  await writeFileAtomic(page, renderRun({ recipe, record, lines }));
  return {
    page,
    events: tensorboard === undefined ? undefined : await writeEvents(run, tensorboard, lines, imagesPerStep(recipe)),
    lines: lines.length,
  };
}

function imagesPerStep({ solver }: Awaited<ReturnType<typeof readRun>>['recipe']): number {
  return solver.batchSize * solver.iterSize;
}

/** One file with a name that stays, so that it is replaced when the report is written again. */
async function writeEvents(run: string, folder: string, lines: readonly LogLine[], images: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'events.out.tfevents.0.sphereface');
  const ended = (await stat(join(run, 'log.jsonl'))).mtimeMs / 1000;
  const steps = scalarsOf(lines, images, ended);
  await writeFileAtomic(path, eventFile(steps[0].wallTime, steps));
  return path;
}

/**
 * The figures of a log as scalars, tags as `energy/energy`. The log has no times: they are counted back from its last line by its speeds, without
 * interruptions.
 */
export function scalarsOf(lines: readonly LogLine[], imagesPerStep: number, ended: number): ScalarStep[] {
  const figures = runCharts.flatMap(({ name, curves, scale }) =>
    curves.map((curve) => {
      const tag = `${name}/${curve.name}`.replaceAll(' ', '_');
      return { tag, values: new Map(pointsOf(lines, curve.of, scale)) };
    }),
  );
  const seconds = lines.map(
    ({ iteration, imagesPerSecond }, i) =>
      ((iteration - (lines[i - 1]?.iteration ?? 0)) * imagesPerStep) / imagesPerSecond,
  );
  let wallTime = ended - seconds.reduce((sum, value) => sum + value, 0);
  return lines.map(({ iteration: step }, i) => {
    wallTime += seconds[i];
    const values = figures.flatMap(({ tag, values: of }) => (of.has(step) ? [[tag, of.get(step)!] as const] : []));
    return { wallTime, step, values: Object.fromEntries(values) };
  });
}
