// What ranks tell each other besides numbers: values of any kind, whether one of them failed, whether all have the same.
import { lineOf, SphereFaceError } from '../common/errors.js';
import type { Communicator } from './communicator.js';
import { equalCounts } from './transport.js';

/** Another rank failed, and told so: this one has nothing to add. */
export class OtherRankError extends SphereFaceError {}

/** What messages call a rank: `rank 2 on node07`. */
export function rankName({ hosts }: Pick<Communicator, 'hosts'>, rank: number): string {
  return `rank ${rank} on ${hosts[rank]}`;
}

/** The values of all ranks, in their order. They travel as JSON. */
export async function gatherValues<T>(communicator: Communicator, value: T): Promise<T[]> {
  if (communicator.size === 1) return [value];
  const own = new TextEncoder().encode(JSON.stringify(value));
  const lengths = [...(await communicator.allGather(Int32Array.of(own.length), equalCounts(communicator.size, 1)))];
  const all = await communicator.allGather(own, lengths);
  let end = 0;
  return lengths.map((length) => {
    end += length;
    return JSON.parse(new TextDecoder().decode(all.subarray(end - length, end))) as T;
  });
}

/** Whether it is true on any rank. */
export async function onAnyRank(communicator: Communicator, value: boolean): Promise<boolean> {
  const largest = Float32Array.of(value ? 1 : 0);
  await communicator.allReduce(largest, 'max');
  return largest[0] === 1;
}

/**
 * Does work that any rank may fail at, and goes on when all have done it, so that none waits for one that failed.
 * @throws what the work threw, on the first rank that failed; {@link OtherRankError} on all others.
 */
export async function together<T>(communicator: Communicator, work: () => Promise<T>): Promise<T> {
  const [outcome] = await Promise.allSettled([work()]);
  const failures = await gatherValues(communicator, outcome.status === 'fulfilled' ? null : lineOf(outcome.reason));
  const first = failures.findIndex((failure) => failure !== null);
  if (first === -1 && outcome.status === 'fulfilled') return outcome.value;
  if (outcome.status === 'rejected' && first === communicator.rank) throw outcome.reason;
  throw new OtherRankError(`${capitalised(rankName(communicator, first))} failed.`, { got: failures[first]! });
}

/**
 * Sees that all ranks have the same.
 * @param what by what it is called in the error; the first that differs is named.
 * @throws SphereFaceError saying which ranks differ from rank 0, and in what.
 */
export async function assertSameOnAllRanks(
  communicator: Communicator,
  what: Readonly<Record<string, string>>,
): Promise<void> {
  const all = await gatherValues(communicator, what);
  for (const name of Object.keys(what)) {
    const other = all.findIndex((values) => values[name] !== all[0][name]);
    if (other === -1) continue;
    const differing = all.filter((values) => values[name] !== all[0][name]).length;
    const more = differing === 1 ? '' : `, and ${differing - 1} other ranks differ from rank 0 too`;
    throw new SphereFaceError(`The ranks do not have the same ${name}.`, {
      got: `${all[0][name]} on ${rankName(communicator, 0)}, ${all[other][name]} on ${rankName(communicator, other)}${more}`,
      expected: `one ${name} for all ranks`,
      next: 'install one version of the package, and keep data, recipes and runs on a file system that all machines share',
    });
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
