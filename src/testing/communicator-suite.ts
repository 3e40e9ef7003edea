// What every communicator must do, whatever it runs on: asked by localGroup in a test, and of MPI in processes that mpirun started.
import assert from 'node:assert/strict';
import type { Communicator } from '../distributed/index.js';

/** One question, which every rank of the group asks at the same time. It throws when the answer is wrong. */
type Check = (communicator: Communicator) => Promise<void>;

/** Values that a rank holds: the same for the same rank and length, of very different sizes so that the order of a sum shows. */
function valuesOf(rank: number, length: number): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = sizes[(i + 5 * rank) % sizes.length] * Math.sin(i + rank);
  return values;
}

const sizes = Array.from({ length: 13 }, (_, i) => 10 ** (i - 6));

/** Compares bits: deepEqual takes seconds for a million floats. */
function assertSame(actual: Float32Array, expected: Float32Array): void {
  const [a, b] = [actual, expected].map(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  );
  assert.ok(a.equals(b), 'bits differ');
}

function ranksOf({ size }: Communicator): number[] {
  return Array.from({ length: size }, (_, rank) => rank);
}

/** The sum in the order of ranks, in float32. */
function sumOverRanks(communicator: Communicator, length: number): Float32Array {
  const sum = valuesOf(0, length);
  for (const rank of ranksOf(communicator).slice(1)) {
    const part = valuesOf(rank, length);
    for (let i = 0; i < length; i++) sum[i] += part[i];
  }
  return sum;
}

/** Lengths around the borders of what is sent in one exchange, in two, and in several chunks. */
const lengths = [0, 1, 3, 1000, 5000, 2 ** 20 + 7];

export const communicatorChecks: Readonly<Record<string, Check>> = {
  'sums in the order of ranks, to the same bits everywhere': async (communicator) => {
    for (const length of lengths) {
      const data = valuesOf(communicator.rank, length);
      await communicator.allReduce(data);
      assertSame(data, sumOverRanks(communicator, length));
    }
  },

  'takes the largest, the smallest, and sums in float64': async (communicator) => {
    const { rank, size } = communicator;
    const largest = Float64Array.of(rank, 10 - rank, 1);
    await communicator.allReduce(largest, 'max');
    assert.deepEqual([...largest], [size - 1, 10, 1]);
    const smallest = Float32Array.of(rank, 10 - rank);
    await communicator.allReduce(smallest, 'min');
    assert.deepEqual([...smallest], [0, 11 - size]);
    const sum = Float64Array.of(2 ** 40, rank);
    await communicator.allReduce(sum);
    assert.deepEqual([...sum], [size * 2 ** 40, (size * (size - 1)) / 2]);
  },

  'scatters a sum in unequal parts and leaves what was given': async (communicator) => {
    const { rank } = communicator;
    for (const unit of [1, 300, 2 ** 16]) {
      const counts = ranksOf(communicator).map((other) => other * unit + (other === 0 ? 0 : 1));
      const total = counts.reduce((a, b) => a + b, 0);
      const start = counts.slice(0, rank).reduce((a, b) => a + b, 0);
      const data = valuesOf(rank, total);
      const own = await communicator.reduceScatter(data, counts);
      assertSame(own, sumOverRanks(communicator, total).slice(start, start + counts[rank]));
      assertSame(data, valuesOf(rank, total));
    }
  },

  'gathers unequal parts of every type': async (communicator) => {
    const counts = ranksOf(communicator).map((rank) => 2 * rank);
    const expected = ranksOf(communicator).flatMap((rank) => Array.from({ length: 2 * rank }, (_, i) => 10 * rank + i));
    const own = Array.from({ length: counts[communicator.rank] }, (_, i) => 10 * communicator.rank + i);
    assert.deepEqual(await communicator.allGather(Float32Array.from(own), counts), Float32Array.from(expected));
    assert.deepEqual(await communicator.allGather(Int32Array.from(own), counts), Int32Array.from(expected));
    assert.deepEqual(await communicator.allGather(Uint8Array.from(own), counts), Uint8Array.from(expected));
    const big = (values: number[]) => BigInt64Array.from(values, BigInt);
    assert.deepEqual(await communicator.allGather(big(own), counts), big(expected));
  },

  'hands out what one rank has': async (communicator) => {
    for (const root of ranksOf(communicator)) {
      const data = valuesOf(communicator.rank, 5000);
      await communicator.broadcast(data, root);
      assertSame(data, valuesOf(root, 5000));
    }
  },

  'works on a part of a larger array': async (communicator) => {
    const whole = new Float32Array(12).fill(1);
    await communicator.allReduce(whole.subarray(3, 7));
    assert.deepEqual(
      [...whole],
      Array.from({ length: 12 }, (_, i) => (i >= 3 && i < 7 ? communicator.size : 1)),
    );
  },

  'takes calls that do not wait for each other': async (communicator) => {
    const parts = Array.from({ length: 5 }, (_, i) => new Float32Array(2 ** 16).fill(i));
    await Promise.all([...parts.map((part) => communicator.allReduce(part)), communicator.barrier()]);
    for (const [i, part] of parts.entries()) assert.ok(part.every((value) => value === i * communicator.size));
  },

  'waits for a late rank while the event loop goes on': async (communicator) => {
    let turns = 0;
    const clock = setInterval(() => turns++, 1);
    if (communicator.rank === 0) await new Promise((resolve) => setTimeout(resolve, 200));
    await communicator.barrier();
    clearInterval(clock);
    // Some 200; a call that held up its process would leave one or two.
    assert.ok(turns >= 10, `${turns} turns of the event loop`);
  },

  'refuses parts that do not make up the whole': async (communicator) => {
    const wrong = Array.from({ length: communicator.size + 1 }, () => 1);
    // Before anything is sent, so no rank is left waiting.
    assert.throws(() => communicator.reduceScatter(new Float32Array(3), wrong), /do not make up the whole/);
    assert.throws(
      () => communicator.allGather(new Float32Array(9), ranksOf(communicator)),
      /another number of elements/,
    );
    await communicator.barrier();
  },

  'knows its place on its machine': async (communicator) => {
    const { rank, localRank, localSize, hosts, size } = communicator;
    assert.equal(hosts.length, size);
    assert.equal(localSize, hosts.filter((host) => host === hosts[rank]).length);
    assert.equal(localRank, hosts.slice(0, rank).filter((host) => host === hosts[rank]).length);
    await communicator.barrier();
  },
};
