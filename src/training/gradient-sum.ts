// The gradients of all ranks into one: added up in buckets, each measured while the next is on its way.
import type { Communicator } from '../distributed/index.js';
import type { ParameterStore } from './parameter-store.js';

/** Bytes from which on a bucket is sent: large enough for the network's full speed, small enough that there are several. */
const bucketBytes = 2 ** 23;

/** Gradients that lie end to end and travel together. */
interface Bucket {
  readonly names: readonly string[];
  readonly data: Float32Array;
}

/**
 * Adds up the gradients in the store over all ranks. Each rank's are its part of the mean, so their sum is the mean gradient.
 * @param summed parameters whose gradient in the store is that of all ranks already.
 * @returns the norm of each parameter's gradient, by name.
 */
export async function sumGradients(
  store: ParameterStore,
  communicator: Communicator,
  summed: ReadonlySet<string>,
): Promise<Map<string, number>> {
  const apart = [...store.gradients].filter(([name]) => !summed.has(name));
  const buckets = bucketsOf(apart).map((bucket) => ({ ...bucket, arrived: communicator.allReduce(bucket.data) }));
  // All are waited for below; one that fails meanwhile is no unhandled rejection.
  for (const { arrived } of buckets) arrived.catch(() => undefined);
  const norms = new Map([...summed].map((name) => [name, normOf(store.gradients.get(name)!)]));
  for (const { names, arrived } of buckets) {
    await arrived;
    for (const name of names) norms.set(name, normOf(store.gradients.get(name)!));
  }
  return norms;
}

function bucketsOf(gradients: readonly (readonly [string, Float32Array])[]): Bucket[] {
  const buckets: Bucket[] = [];
  for (const [name, data] of gradients) {
    const last = buckets.at(-1);
    if (last !== undefined && last.data.byteLength < bucketBytes && follows(last.data, data)) {
      const { buffer, byteOffset, length } = last.data;
      const joined = new Float32Array(buffer, byteOffset, length + data.length);
      buckets[buckets.length - 1] = { names: [...last.names, name], data: joined };
    } else {
      buckets.push({ names: [name], data });
    }
  }
  return buckets;
}

function follows(first: Float32Array, second: Float32Array): boolean {
  return first.buffer === second.buffer && first.byteOffset + first.byteLength === second.byteOffset;
}

/** In float64, in four sums that do not wait for each other. */
function normOf(data: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const { length } = data;
  const even = length - (length % 4);
  for (let i = 0; i < even; i += 4) {
    a += data[i] * data[i];
    b += data[i + 1] * data[i + 1];
    c += data[i + 2] * data[i + 2];
    d += data[i + 3] * data[i + 3];
  }
  for (let i = even; i < length; i++) a += data[i] * data[i];
  return Math.sqrt(a + b + c + d);
}
