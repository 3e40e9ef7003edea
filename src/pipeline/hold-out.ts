// Which identities are kept away from training, and the pairs that a model is evaluated on over them.
import { Random } from '../common/random.js';
import { SphereFaceError } from '../common/errors.js';
import { compareNames } from '../common/names.js';
import type { ImageEntry } from '../images/index.js';
import type { Pair } from '../evaluation/pairs.js';

/** How to divide a set into training and evaluation. */
export interface HoldOutOptions {
  /** Share of the identities that are held out, 0 … 1. */
  readonly share: number;
  /** Pairs of each kind, at most; fewer where the photos do not give as many different ones. */
  readonly pairsOfEachKind: number;
  readonly seed: number;
}

export const defaultHoldOut: HoldOutOptions = { share: 0.25, pairsOfEachKind: 1000, seed: 1 };

/** The division: identities are in one of the lists, both in the order of `compareNames`. */
export interface HoldOut {
  readonly training: readonly string[];
  readonly heldOut: readonly string[];
  /** Matched and mismatched pairs in equal number, in random order. */
  readonly pairs: readonly Omit<Pair, 'line'>[];
}

/**
 * Holds out identities at random and draws pairs among their images: as many matched as mismatched, none twice. Each
 * identity contributes to the matched pairs as evenly as its images allow.
 * @throws SphereFaceError if there are too few identities or images to train and to evaluate.
 */
export function holdOut(entries: readonly ImageEntry[], options: Partial<HoldOutOptions> = {}): HoldOut {
  const { share, pairsOfEachKind, seed } = { ...defaultHoldOut, ...options };
  const images = new Map<string, string[]>();
  for (const { identity, file } of entries) {
    const files = images.get(identity);
    if (files === undefined) images.set(identity, [file]);
    else files.push(file);
  }
  const random = new Random(seed, 1);
  const shuffled = [...images.keys()].sort(compareNames);
  random.shuffle(shuffled);
  const count = Math.max(2, Math.round(share * shuffled.length));
  const heldOut = shuffled.slice(0, count).sort(compareNames);
  const training = shuffled.slice(count).sort(compareNames);
  if (training.length < 2) {
    throw new SphereFaceError('There are too few identities to train on some and to evaluate on others.', {
      got: `${images.size} identities`,
      expected: 'four at least; some hundred for a model worth having',
      next: 'add identities, or give pairs of other people with --pairs',
    });
  }
  const people = heldOut.map((identity) => images.get(identity)!);
  const matched = matchedPairs(people, pairsOfEachKind, random);
  if (matched.length === 0) {
    throw new SphereFaceError('No held-out identity has two images, so there is no matched pair to evaluate on.', {
      got: `${heldOut.length} identities with one image each`,
      expected: 'several images of each identity',
      next: 'add images, or give pairs with --pairs',
    });
  }
  const mismatched = mismatchedPairs(people, matched.length, random);
  const pairs = [...matched.slice(0, mismatched.length), ...mismatched];
  random.shuffle(pairs);
  return { training, heldOut, pairs };
}

/** Pairs as a file that `evaluate --pairs` reads: two paths and a label, separated by tabs. */
export function formatPairs(pairs: readonly Omit<Pair, 'line'>[]): string {
  return pairs.map(({ a, b, same }) => `${a}\t${b}\t${same ? 1 : 0}\n`).join('');
}

/** Goes round the people, drawing one new pair of each in turn until there are enough or none is left. */
function matchedPairs(people: readonly string[][], limit: number, random: Random): Omit<Pair, 'line'>[] {
  const pairs: Omit<Pair, 'line'>[] = [];
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
function mismatchedPairs(people: readonly string[][], wanted: number, random: Random): Omit<Pair, 'line'>[] {
  const total = people.reduce((sum, files) => sum + files.length, 0);
  const possible = (total ** 2 - people.reduce((sum, files) => sum + files.length ** 2, 0)) / 2;
  const taken = new Map<string, Omit<Pair, 'line'>>();
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
