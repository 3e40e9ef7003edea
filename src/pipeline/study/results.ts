// The files of a study: study.json, study.csv with a row for each cell, and the page.
import { join } from 'node:path';
import { writeFileAtomic } from '../../common/atomic.js';
import type { StudyPlan } from './cells.js';
import { answersOf, methodOf } from './sentences.js';
import { type CellSummary, readResults, type StudySummary, summariseStudy } from './summary.js';

export interface StudyFiles {
  readonly json: string;
  readonly csv: string;
  readonly page: string;
}

/** Works out the results of what is finished and writes them. */
export async function writeResults(
  plan: StudyPlan,
  folder: string,
): Promise<{ readonly summary: StudySummary; readonly files: StudyFiles }> {
  const results = await readResults(plan, folder);
  const summary = summariseStudy(plan, results);
  const files = { json: join(folder, 'study.json'), csv: join(folder, 'study.csv'), page: join(folder, 'index.html') };
  const told = { ...summary, method: methodOf(summary), answers: answersOf(summary) };
  await writeFileAtomic(files.json, `${JSON.stringify(told, undefined, 2)}\n`);
  await writeFileAtomic(files.csv, csvOf(summary.cells));
  // Drawing is loaded here so that the other commands start without it.
  const { renderStudy } = await import('./page.js');
  await writeFileAtomic(files.page, renderStudy(summary, results, plan.questions));
  return { summary, files };
}

/** A row for each cell (RFC 4180); a field that is not known is empty. */
function csvOf(cells: readonly CellSummary[]): string {
  const columns = [
    ...(['name', 'arm', 'seed', 'status', 'iterations', 'chosen', 'validation', 'accuracy', 'auc', 'eer'] as const),
    ...(['threshold', 'loss', 'classification', 'energy', 'minimumAngle', 'meanAngle', 'seconds'] as const),
    ...(['key', 'folder', 'packageVersion', 'error'] as const),
  ] satisfies (keyof CellSummary)[];
  const field = (value: string | number | null): string => {
    const text = String(value ?? '');
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...cells.map((cell) => columns.map((column) => cell[column]))]
    .map((row) => `${row.map(field).join(',')}\r\n`)
    .join('');
}
