import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useScratch } from '../testing/scratch.js';
import { TrainingLog } from './log.js';

const scratch = useScratch();

/** As version 0.1 wrote it, cut to what every reader relies on. */
const lineAt = (iteration: number) => ({
  ...{ iteration, loss: 2, terms: { classification: 2 }, accuracy: 0.5, gradientNorms: { total: 1 } },
  ...{ epoch: 0.1, imagesPerSecond: 100 },
});

/** A log of these lines, without a line break at the end. */
async function logOf(...lines: readonly unknown[]): Promise<{ path: string; log: TrainingLog }> {
  const path = join(scratch.folder, 'log.jsonl');
  await writeFile(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
  return { path, log: new TrainingLog(path) };
}

it('gives its lines, leaves out what is none, and says which', async () => {
  const { log, path } = await logOf(lineAt(1), {}, 'no JSON', { ...lineAt(2), loss: 'low' }, [], lineAt(3), '{"iter');
  const warnings: string[] = [];
  const lines = await log.lines((text) => warnings.push(text));
  expect(lines).toEqual([lineAt(1), lineAt(3)]);
  expect(warnings).toEqual([2, 3, 4, 5].map((n) => `line ${n} of ${path} is none of a training log: left out`));
});

it('is cut back to an iteration, with all that its lines hold', async () => {
  const more = { ...lineAt(2), ownColumn: 7 };
  const { log, path } = await logOf(lineAt(1), more, {}, 'null', lineAt(3), '{"iter');
  await log.cutBack(2);
  expect(await readFile(path, 'utf8')).toBe(`${JSON.stringify(lineAt(1))}\n${JSON.stringify(more)}\n`);
  expect(await log.lines()).toEqual([lineAt(1), more]);
});
