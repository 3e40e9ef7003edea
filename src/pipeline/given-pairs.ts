// The pairs that a user gives to evaluate on, and their people: held out of training whether or not their images are found.
import { basename } from 'node:path';
import { SphereFaceError } from '../common/errors.js';
import { compareNames } from '../common/names.js';
import { ImageNames, type Pair, peopleOf, resolvePairs } from '../evaluation/index.js';
import type { ImageSource } from '../images/index.js';
import { readPairs } from './evaluation-data.js';

export interface GivenPairs {
  /** The pairs whose images are there. */
  readonly pairs: readonly Pair[];
  /** The source's people whom the pairs name, in the order of `compareNames`. */
  readonly identities: readonly string[];
  /** What could not be found, and what follows from it, a sentence each. */
  readonly warnings: readonly string[];
}

/** Names given as examples in a sentence. */
const examples = 3;

/**
 * Reads a pair file for the images of a source.
 * @throws UsageError for a file that cannot be read; SphereFaceError if no matched or no mismatched pair has its images,
 *   since nothing could be evaluated then
 */
export async function givenPairs(path: string, source: ImageSource): Promise<GivenPairs> {
  const names = new ImageNames(source.entries);
  const file = basename(path);
  const guessed: string[] = [];
  const { pairs } = await readPairs(path, names, (warning) => guessed.push(warning));
  const { kept, missing } = resolvePairs(pairs, names);
  const usable = [...kept].map((index) => pairs[index]);
  const [matched, mismatched] = [true, false].map((same) => usable.filter((pair) => pair.same === same).length);
  if (matched === 0 || mismatched === 0) {
    throw new SphereFaceError(`The pairs of ${file} cannot be evaluated on these images.`, {
      got:
        `${matched} matched and ${mismatched} mismatched pairs with both images; ` +
        `${missing.length} without, the first in line ${missing[0]?.line ?? '?'}: ${missing[0]?.reason ?? 'none'}`,
      expected: 'pairs of both kinds, which name the images as they are called',
      next: `compare with the images' own names, for instance ${source.entries[0]?.file}`,
    });
  }
  const { identities, notFound, unknown } = peopleOf(pairs, names);
  return {
    pairs: usable,
    identities: [...identities].sort(compareNames),
    warnings: [
      ...guessed,
      ...(missing.length === 0
        ? []
        : [
            `${missing.length} of ${pairs.length} pairs of ${file} are left out: ${missing[0].reason} (line ${missing[0].line})`,
          ]),
      ...(notFound.length === 0
        ? []
        : [`${some(notFound)} of ${file}: no such image; the people are kept from training all the same`]),
      ...(unknown.length === 0
        ? []
        : [`${some(unknown)} of ${file}: no such image, and nobody of that name; whoever is meant may be trained on`]),
    ],
  };
}

function some(names: readonly string[]): string {
  const more = names.length > examples ? ` and ${names.length - examples} more` : '';
  return `${names.slice(0, examples).join(', ')}${more}`;
}
