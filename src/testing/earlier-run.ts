// For tests: a run as version 0.1 left it, made of one of today.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tensor } from '../models/index.js';
import { CheckpointStore } from '../training/index.js';

/**
 * Makes of a run what version 0.1 would have left: rows by code units of the names, no names anywhere, its own fingerprint.
 * @param images the files as the data has them, with the names of their folders (or their labels, in a list).
 */
export async function asVersion01(
  folder: string,
  images: readonly { readonly file: string; readonly label: string }[],
) {
  const store = new CheckpointStore(join(folder, 'checkpoints'), 2);
  const { state, parameters, momentum, identities } = (await store.latest())!;
  const order = [...identities!].sort().map((name) => identities!.indexOf(name));
  const reordered = (tensors: ReadonlyMap<string, Tensor>) => {
    const { shape, data } = tensors.get('fc6.weight')!;
    const row = (i: number) => data.subarray(i * shape[1], (i + 1) * shape[1]);
    const rows = Float32Array.from(order.flatMap((from) => [...row(from)]));
    return new Map([...tensors, ['fc6.weight', { shape, data: rows }]]);
  };
  await store.write({ state, parameters: reordered(parameters), momentum: reordered(momentum) });
  const record = JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) as Record<string, unknown>;
  delete record.sample;
  const hash = createHash('sha256');
  for (const { file, label } of images) hash.update(`${label}\0${file}\n`);
  await writeFile(
    join(folder, 'run.json'),
    JSON.stringify({
      ...record,
      format: 1,
      identities: identities!.length,
      packageVersion: '0.1.0',
      fingerprint: hash.digest('hex'),
    }),
  );
}
