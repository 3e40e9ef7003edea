// The files that a divided classifier is in, and its rows out of them for any other division: one file a process that wrote it, or none where
// the classifier was whole.
import { join } from 'node:path';
import { SphereFaceError } from '../../common/errors.js';
import { type Tensor, type Weights, WeightsFile } from '../../models/index.js';
import { classifierName } from '../network.js';
import type { RowRange } from '../row-range.js';

const momentumName = `momentum:${classifierName}`;

/** `classifier-00001-of-00004.safetensors`. */
export function shardFile(rank: number, size: number): string {
  const number = (value: number) => String(value).padStart(5, '0');
  return `classifier-${number(rank + 1)}-of-${number(size)}.safetensors`;
}

/** A process's rows of a classifier, among other weights. */
export interface DividedWeights extends Weights {
  readonly momentum: ReadonlyMap<string, Tensor>;
  readonly rows: RowRange;
}

/** The rows with their momentum and, where they are known, the names of their identities. */
export function shardWeights({ parameters, momentum, identities, rows }: DividedWeights): Weights {
  const named = identities === undefined ? {} : { identities: identities.slice(rows.first, rows.first + rows.count) };
  return {
    parameters: new Map([
      [classifierName, parameters.get(classifierName)!],
      [momentumName, momentum.get(classifierName)!],
    ]),
    ...named,
  };
}

/** Where the rows of a checkpoint's classifier are. */
export interface RowFiles {
  readonly folder: string;
  /** Files with rows; `undefined` where the parameters and momentum have all. */
  readonly shards: number | undefined;
  readonly parameters: WeightsFile;
  readonly momentum: WeightsFile;
}

/** Rows of a classifier with their momentum. */
export interface ReadRows {
  readonly rows: RowRange;
  readonly values: Tensor;
  readonly momentum: Tensor;
}

/** Consecutive rows in one file. */
interface Source {
  readonly values: WeightsFile;
  readonly momentum: WeightsFile;
  readonly momentumName: string;
}

/**
 * Reads rows of a checkpoint's classifier.
 * @param wanted which, of so many.
 * @returns `undefined` when there is none.
 * @throws SphereFaceError when a file is missing or damaged.
 */
export async function readShardedRows(
  { folder, shards, parameters, momentum }: RowFiles,
  wanted: (classes: number) => RowRange,
): Promise<ReadRows | undefined> {
  if (shards === undefined) {
    if (parameters.shapeOf(classifierName) === undefined) return undefined;
    return readRows([{ values: parameters, momentum, momentumName: classifierName }], wanted);
  }
  const opened: WeightsFile[] = [];
  try {
    for (let rank = 0; rank < shards; rank++)
      opened.push(await WeightsFile.open(join(folder, shardFile(rank, shards))));
    return await readRows(
      opened.map((file) => ({ values: file, momentum: file, momentumName })),
      wanted,
    );
  } finally {
    for (const file of opened) await file[Symbol.asyncDispose]();
  }
}

async function readRows(sources: readonly Source[], wanted: (classes: number) => RowRange): Promise<ReadRows> {
  const shapes = sources.map(({ values, momentum, momentumName }) => {
    const shape = values.shapeOf(classifierName);
    const moves = momentum.shapeOf(momentumName);
    if (shape?.length === 2 && shape.join() === moves?.join()) return shape;
    throw new SphereFaceError('A checkpoint has rows of a classifier without their momentum.', {
      got: `[${shape?.join(', ') ?? 'none'}] and [${moves?.join(', ') ?? 'none'}]`,
      next: 'the file may be damaged: use an earlier checkpoint',
    });
  });
  const size = shapes[0][1];
  const rows = wanted(shapes.reduce((total, [count]) => total + count, 0));
  const read = { values: new Float32Array(rows.count * size), momentum: new Float32Array(rows.count * size) };
  let start = 0;
  for (const [i, { values, momentum, momentumName }] of sources.entries()) {
    const [count] = shapes[i];
    const first = Math.max(start, rows.first);
    const end = Math.min(start + count, rows.first + rows.count);
    if (first < end) {
      const part = (data: Float32Array) => data.subarray((first - rows.first) * size, (end - rows.first) * size);
      await values.readRows(classifierName, first - start, part(read.values));
      await momentum.readRows(momentumName, first - start, part(read.momentum));
    }
    start += count;
  }
  const shape = [rows.count, size];
  return { rows, values: { shape, data: read.values }, momentum: { shape, data: read.momentum } };
}
