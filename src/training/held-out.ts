// People of the data who are not trained on, so that the network can be measured on them as it goes on.
import { normaliseName } from '../common/names.js';
import { type DrawnPair, holdOut } from '../evaluation/index.js';
import { type Dataset, partOf } from './labelled-images.js';
import type { Recipe } from './recipe.js';

/** Two images of people who are not trained on, by their places in the data. */
export interface HeldOutPair {
  readonly left: number;
  readonly right: number;
  readonly same: boolean;
}

/** Who is measured on. */
export interface HeldOut {
  readonly identities: readonly string[];
  /** All of the data: the pairs name its images. */
  readonly source: Dataset['source'];
  /** As many of one person as of two. */
  readonly pairs: readonly HeldOutPair[];
}

/** Data divided by people; without a section `validation` in the recipe all are trained on. */
export interface DividedData {
  readonly training: Dataset;
  readonly heldOut: HeldOut | undefined;
}

/**
 * Divides data by the recipe's seed: the same people and pairs for the same names, whatever holds the images.
 * @throws SphereFaceError when there are too few people or images for it.
 */
export function divided(dataset: Dataset, { validation, seed }: Recipe): DividedData {
  if (validation === null) return { training: dataset, heldOut: undefined };
  const { entries } = dataset.source;
  const { share, pairs: pairsOfEachKind } = validation;
  const { training, heldOut, pairs } = holdOut(entries, { share, pairsOfEachKind, seed });
  const indexOf = new Map(entries.map(({ file }, index) => [file, index]));
  const placed = ({ a, b, same }: DrawnPair): HeldOutPair => ({
    left: indexOf.get(a)!,
    right: indexOf.get(b)!,
    same,
  });
  return {
    training: restricted(dataset, new Set(training)),
    heldOut: { identities: heldOut, source: dataset.source, pairs: pairs.map(placed) },
  };
}

/** The images of some of the people, in the same order. */
function restricted(dataset: Dataset, people: ReadonlySet<string>): Dataset {
  const { source, identities: all } = dataset;
  const identities = all.filter((name) => people.has(name));
  const classOf = new Map(identities.map((name, index) => [name, index]));
  const names = source.entries.map(({ identity }) => normaliseName(identity));
  const used = [...names.keys()].filter((index) => classOf.has(names[index]));
  return {
    ...dataset,
    source: partOf(source, used),
    labels: used.map((index) => classOf.get(names[index])!),
    identities,
  };
}
