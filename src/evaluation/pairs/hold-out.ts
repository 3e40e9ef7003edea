// Which identities are kept away from training, and the pairs that a model is evaluated on over them.
import { Random } from '../../common/random.js';
import { SphereFaceError } from '../../common/errors.js';
import { compareNames } from '../../common/names.js';
import { balancedPairs, type DrawnPair, drawPairs, filesByIdentity } from './draw.js';

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
  readonly pairs: readonly DrawnPair[];
}

/**
 * Holds out identities at random and draws pairs among their images: as many matched as mismatched, none twice. Each
 * identity contributes to the matched pairs as evenly as its images allow.
 * @throws SphereFaceError if there are too few identities or images to train and to evaluate.
 */
export function holdOut(
  entries: Parameters<typeof filesByIdentity>[0],
  options: Partial<HoldOutOptions> = {},
): HoldOut {
  const { share, pairsOfEachKind, seed } = { ...defaultHoldOut, ...options };
  const images = filesByIdentity(entries);
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
      next: 'add identities, or evaluate on pairs of other people',
    });
  }
  const people = heldOut.map((identity) => images.get(identity)!);
  const draw = drawPairs(people, pairsOfEachKind, random);
  if (draw.matched.length === 0) {
    throw new SphereFaceError('No held-out identity has two images, so there is no matched pair to evaluate on.', {
      got: `${heldOut.length} identities with one image each`,
      expected: 'several images of each identity',
      next: 'add images, or evaluate on pairs of other people',
    });
  }
  return { training, heldOut, pairs: balancedPairs(draw, random) };
}
