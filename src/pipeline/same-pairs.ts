// Given pairs decide who is trained on: they stay the same from the division to the last evaluation, or what is reported as unseen is not.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../common/digest.js';
import { UsageError } from '../common/errors.js';
import { exists } from '../common/exists.js';
import type { Ledger } from './ledger.js';
import type { ModelName } from './types.js';

const pairsStage = 'pairs';
const trained: readonly ModelName[] = ['sphereface', 'without-energy', 'sphereface-plus', 'fine-tuned'];

/**
 * Sees that a pair file has the content that the people were divided by. Before anything is trained, other content lets them be divided
 * again: `divideStage` is forgotten.
 * @throws UsageError once training has begun: people of the new pairs may be among those trained on.
 */
export async function requireSamePairs(
  ledger: Ledger,
  { pairs, folder, divideStage }: { readonly pairs: string; readonly folder: string; readonly divideStage: string },
): Promise<void> {
  const digest = digestOf(await readFile(pairs));
  const record = () => ledger.stage(pairsStage, {}, () => Promise.resolve(digest));
  if ((await record()).result === digest) return;
  const runs = await Promise.all(trained.map((name) => exists(join(folder, name, 'run.json'))));
  if (runs.includes(true)) {
    throw new UsageError('The pairs have changed since this pipeline divided the people and began to train.', {
      got: `other content in ${pairs}`,
      expected: 'the pairs of the first run: people of other pairs may be among those trained on',
      next: `put the pairs back as they were, give another folder with -o, or delete ${folder} to start afresh`,
    });
  }
  await ledger.forget(pairsStage, divideStage);
  await record();
}
