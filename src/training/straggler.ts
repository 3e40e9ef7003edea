// The rank that all others wait for.
import { type Communicator, rankName } from '../distributed/index.js';

/** Times the median from which on a rank is one that the others wait for. */
const noticeable = 1.25;
/** Seconds of a step below which it does not matter. */
const negligible = 0.02;

export interface Straggler {
  readonly rank: number;
  inWords(communicator: Pick<Communicator, 'hosts'>): string;
}

/** The slowest rank, if the others wait for it noticeably. @param seconds that a step takes each rank. */
export function stragglerOf(seconds: readonly number[]): Straggler | undefined {
  const sorted = [...seconds].sort((a, b) => a - b);
  // The lower one of two: of two ranks, one may be slow as well.
  const median = sorted[(sorted.length - 1) >> 1];
  const longest = sorted.at(-1)!;
  if (longest < noticeable * median || longest - median < negligible) return undefined;
  const rank = seconds.indexOf(longest);
  return {
    rank,
    inWords: (communicator) =>
      `${rankName(communicator, rank)} is slow: ${longest.toPrecision(3)} s for its share of a step, where the median is ${median.toPrecision(3)} s; the others wait for it`,
  };
}
