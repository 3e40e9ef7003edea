// Drawing pairs among labelled images: as many matched as mismatched, none twice, and the same for the same seed.
import { normaliseName } from '../../common/names.js';
import type { Random } from '../../common/random.js';
import type { Pair } from './pair.js';

/** A pair that was drawn; its line is that of the file it is written to. */
export type DrawnPair = Omit<Pair, 'line'>;

/** What {@link balancedPairs} chooses from. */
export interface PairDraw {
  readonly matched: readonly DrawnPair[];
  /** Two people each. */
  readonly mismatched: readonly DrawnPair[];
}

/** The files of each identity; one person's names in two Unicode forms are one. */
export function filesByIdentity(
  entries: readonly { readonly file: string; readonly identity: string }[],
): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const { identity: given, file } of entries) {
    const identity = normaliseName(given);
    const list = files.get(identity);
    if (list === undefined) files.set(identity, [file]);
    else list.push(file);
  }
  return files;
}

/**
 * Draws up to `limit` matched pairs, each person contributing as evenly as the images allow, and `candidates` times as
 * many mismatched ones; fewer where there are not as many different ones.
 * @param people the files of each person
 */
export function drawPairs(
  people: readonly (readonly string[])[],
  limit: number,
  random: Random,
  candidates = 1,
): PairDraw {
  const matched = matchedPairs(people, limit, random);
  return { matched, mismatched: mismatchedPairs(people, matched.length * candidates, random) };
}

/**
 * As many matched as mismatched pairs of a draw, in random order.
 * @param similarity of each mismatched pair: those with the highest are chosen; the first without it
 */
export function balancedPairs(
  { matched, mismatched }: PairDraw,
  random: Random,
  similarity?: readonly number[],
): DrawnPair[] {
  const chosen =
    similarity === undefined
      ? mismatched
      : [...mismatched.keys()].sort((i, j) => similarity[j] - similarity[i] || i - j).map((i) => mismatched[i]);
  const each = Math.min(matched.length, mismatched.length);
  const pairs = [...matched.slice(0, each), ...chosen.slice(0, each)];
  random.shuffle(pairs);
  return pairs;
}

/**
 * Pairs as a file that {@link parsePairs} reads: two paths and a label, separated by tabs; with folds a table with a header.
 * @param fold the fold of each pair
 */
export function formatPairs(pairs: readonly DrawnPair[], fold?: readonly number[]): string {
  const row = ({ a, b, same }: DrawnPair, i: number): string =>
    [a, b, same ? 1 : 0, ...(fold === undefined ? [] : [fold[i]])].join('\t');
  const header = fold === undefined ? [] : [['image1', 'image2', 'label', 'fold'].join('\t')];
  return [...header, ...pairs.map(row)].map((line) => `${line}\n`).join('');
}

/** Goes round the people, drawing one new pair of each in turn until there are enough or none is left. */
function matchedPairs(people: readonly (readonly string[])[], limit: number, random: Random): DrawnPair[] {
  const pairs: DrawnPair[] = [];
  let open = people
    .filter(({ length }) => length > 1)
    .map((files) => ({ files, drawn: new Set<number>(), total: (files.length * (files.length - 1)) / 2 }));
  while (pairs.length < limit && open.length > 0) {
    for (const { files, drawn } of open.slice(0, limit - pairs.length)) {
      for (const before = drawn.size; drawn.size === before;) {
        const one = random.integer(files.length);
        const other = (one + 1 + random.integer(files.length - 1)) % files.length;
        const [low, high] = one < other ? [one, other] : [other, one];
        drawn.add(low * files.length + high);
        if (drawn.size > before) pairs.push({ a: files[low], b: files[high], same: true });
      }
    }
    open = open.filter(({ drawn, total }) => drawn.size < total);
  }
  return pairs;
}

/** Draws images of two different people until there are enough; a pair drawn before is drawn again. */
function mismatchedPairs(people: readonly (readonly string[])[], wanted: number, random: Random): DrawnPair[] {
  const total = people.reduce((sum, files) => sum + files.length, 0);
  const possible = (total ** 2 - people.reduce((sum, files) => sum + files.length ** 2, 0)) / 2;
  const taken = new Map<string, DrawnPair>();
  while (taken.size < Math.min(wanted, possible)) {
    const one = random.integer(people.length);
    const other = (one + 1 + random.integer(people.length - 1)) % people.length;
    const [low, high] = one < other ? [one, other] : [other, one];
    const a = people[low][random.integer(people[low].length)];
    const b = people[high][random.integer(people[high].length)];
    taken.set(`${a}\t${b}`, { a, b, same: false });
  }
  return [...taken.values()];
}
