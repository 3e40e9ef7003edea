// Pairs drawn among a set of crops: for evaluating a model on one's own people.
import { SphereFaceError } from '../common/errors.js';
import { compareNames } from '../common/names.js';
import { Random } from '../common/random.js';
import { balancedPairs, type DrawnPair, drawPairs, filesByIdentity, type PairDraw } from '../evaluation/index.js';
import { assertSameAlignment, fitsInLine, type OpenedSource } from '../images/index.js';
import { type EmbedFailure, embedImages, type Model } from '../models/index.js';

export interface DrawPairsOptions {
  readonly source: OpenedSource;
  /** Pairs in all, half of them matched; fewer where the images do not give as many different ones. */
  readonly count?: number;
  readonly seed?: number;
  /** Draws within as many groups of people, so that no person is in two folds. */
  readonly folds?: number;
  /** Chooses for mismatched pairs the people whom this model finds most alike. */
  readonly hard?: Model;
  /** Called as images are embedded. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Pairs in all, unless told otherwise: as many as LFW's view 2 has. */
export const defaultPairCount = 6000;

/** What was drawn. */
export interface DrawnPairs {
  readonly pairs: readonly DrawnPair[];
  /** The fold of each pair, from 1. */
  readonly fold: readonly number[] | undefined;
  readonly matched: number;
  readonly mismatched: number;
  /** How alike the model finds the mismatched pairs: cosines, smallest and largest, and among how many they were chosen. */
  readonly hard: { readonly from: number; readonly to: number; readonly among: number } | undefined;
  /** Images in no folder: whose they are is not known. */
  readonly withoutIdentity: readonly string[];
  /** Images that no line can name: their paths hold line breaks or tabs, or begin or end with a blank. No pair names them. */
  readonly unlistable: readonly string[];
  /** Images that the model could not embed; no pair names them. */
  readonly failures: readonly EmbedFailure[];
}

/** Mismatched pairs that hard ones are chosen from, for each that is wanted. */
const candidatesOfHard = 50;

/**
 * Draws pairs, the same for the same images and seed: as many matched as mismatched, none twice; each person is in the
 * matched pairs as evenly as the images allow.
 * @throws SphereFaceError if there are too few people or images for a pair of each kind (in each fold)
 */
export async function drawPairsOf(options: DrawPairsOptions): Promise<DrawnPairs> {
  const { source, count = defaultPairCount, seed = 1, folds = 1, hard } = options;
  const random = new Random(seed, 2);
  const writable = source.entries.filter(({ file }) => fitsInLine(file));
  const withIdentity = writable.filter(({ identity }) => identity !== '');
  const files = filesByIdentity(withIdentity);
  const names = [...files.keys()].sort(compareNames);
  random.shuffle(names);
  const upTo = (fold: number): number => Math.floor((Math.floor(count / 2) * fold) / folds);
  const draws = Array.from({ length: folds }, (_, fold) => {
    const people = names.filter((_, i) => i % folds === fold).map((name) => files.get(name)!);
    const each = upTo(fold + 1) - upTo(fold);
    const draw = drawPairs(people, each, random, hard === undefined ? 1 : candidatesOfHard);
    if (draw.matched.length > 0 && draw.mismatched.length > 0) return draw;
    throw tooFew(people, folds, count);
  });
  const similar = hard === undefined ? undefined : await similarities(hard, draws, options);
  const chosen = draws.map((draw, fold) => balancedPairs(similar?.draws[fold] ?? draw, random, similar?.cosines[fold]));
  const pairs = chosen.flat();
  return {
    pairs,
    fold: folds === 1 ? undefined : chosen.flatMap((part, fold) => part.map(() => fold + 1)),
    matched: pairs.filter(({ same }) => same).length,
    mismatched: pairs.filter(({ same }) => !same).length,
    hard: similar && rangeOf(pairs, similar),
    unlistable: source.entries.map(({ file }) => file).filter((file) => !fitsInLine(file)),
    withoutIdentity: writable.filter(({ identity }) => identity === '').map(({ file }) => file),
    failures: similar?.failures ?? [],
  };
}

function tooFew(people: readonly (readonly string[])[], folds: number, count: number): SphereFaceError {
  const several = people.filter(({ length }) => length > 1).length;
  return new SphereFaceError('There are too few people or images to draw pairs of both kinds.', {
    got: `${people.length} people${folds === 1 ? '' : ' in a fold'}, ${several} of them with several images; ${count} pairs wanted`,
    expected: `two people${folds === 1 ? '' : ' in each fold'}, one of them with two images; a pair of each kind`,
    next: folds === 1 ? 'add images' : 'add people, or draw fewer folds',
  });
}

interface Similarities {
  /** The draws without the pairs of images that could not be embedded. */
  readonly draws: readonly PairDraw[];
  /** The cosine of each mismatched pair, by draw. */
  readonly cosines: readonly (readonly number[])[];
  readonly failures: readonly EmbedFailure[];
}

/** Embeds the images of the draws, and compares the mismatched pairs. */
async function similarities(
  model: Model,
  draws: readonly PairDraw[],
  { source, onProgress }: DrawPairsOptions,
): Promise<Similarities> {
  assertSameAlignment(model.input, source.alignment);
  const named = new Set(
    draws.flatMap(({ matched, mismatched }) => [...matched, ...mismatched].flatMap(({ a, b }) => [a, b])),
  );
  const indices = [...source.entries.keys()].filter((index) => named.has(source.entries[index].file));
  const embeddings = new Map<string, Float32Array>();
  const failures: EmbedFailure[] = [];
  onProgress?.(0, indices.length);
  for await (const batch of embedImages(model, source, { flip: true, indices })) {
    const size = batch.embeddings.length / batch.indices.length;
    for (const [row, index] of batch.indices.entries()) {
      embeddings.set(source.entries[index].file, unit(batch.embeddings.slice(row * size, (row + 1) * size)));
    }
    failures.push(...batch.failures);
    onProgress?.(embeddings.size + failures.length, indices.length);
  }
  const known = ({ a, b }: DrawnPair): boolean => embeddings.has(a) && embeddings.has(b);
  const kept = draws.map(({ matched, mismatched }) => ({
    matched: matched.filter(known),
    mismatched: mismatched.filter(known),
  }));
  const cosines = kept.map(({ mismatched }) =>
    mismatched.map(({ a, b }) => dot(embeddings.get(a)!, embeddings.get(b)!)),
  );
  return { draws: kept, cosines, failures };
}

function unit(row: Float32Array): Float32Array {
  const length = Math.sqrt(dot(row, row));
  return length === 0 ? row : row.map((value) => value / length);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function rangeOf(pairs: readonly DrawnPair[], { draws, cosines }: Similarities): DrawnPairs['hard'] {
  const chosen = new Set(pairs);
  const values = draws.flatMap(({ mismatched }, fold) => cosines[fold].filter((_, i) => chosen.has(mismatched[i])));
  const among = cosines.reduce((sum, { length }) => sum + length, 0);
  return { from: Math.min(...values), to: Math.max(...values), among };
}
