// Whether the ranks are about to train the same thing: version, recipe, data and starting point, told apart when they are not.
import { createHash } from 'node:crypto';
import { packageVersion } from '../common/version.js';
import { assertSameOnAllRanks } from '../distributed/index.js';
import type { DataRecord } from './data-record.js';
import { classifierName } from './network.js';
import type { Trainer } from './trainer.js';

/** @throws SphereFaceError naming the first thing in which ranks differ, and the ranks. */
export async function assertSameRun(trainer: Trainer, record: Omit<DataRecord, 'identities'>): Promise<void> {
  const { communicator, recipe, dataset, done, rows } = trainer;
  if (communicator.size === 1) return;
  const { images, fingerprint, sample } = record;
  // Of a divided classifier each has its own rows.
  const { values } = await trainer.state();
  const common = [...values].flatMap(([name, data]) => (rows.divided && name === classifierName ? [] : [data]));
  await assertSameOnAllRanks(communicator, {
    'package version': packageVersion,
    ...fieldsOf(recipe, 'recipe'),
    data: `${images} images of ${dataset.identities.length} identities (names ${fingerprint.slice(0, 12)}, bytes ${digest(sample.join())})`,
    'checkpoint to go on from': done === 0 ? 'none' : `iteration ${done}`,
    'starting values': digest(...common),
  });
}

/** Every value of a nested object by its path: an error can so name the one that differs. */
function fieldsOf(value: unknown, path: string): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { [path]: JSON.stringify(value) ?? '' };
  return Object.assign({}, ...Object.entries(value).map(([key, field]) => fieldsOf(field, `${path}.${key}`))) as Record<
    string,
    string
  >;
}

function digest(...parts: readonly (string | Float32Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex').slice(0, 12);
}
