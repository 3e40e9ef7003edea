// Whose images pairs name, whether or not the images are there: who must not be trained on.
import { normaliseName } from '../../common/names.js';
import type { Pair } from './pair.js';
import { ImageNames } from './resolve.js';

/** The people of pairs. */
export interface PeopleOfPairs {
  /** Identities of the entries, in the order in which the pairs name them. */
  readonly identities: readonly string[];
  /** Names that lead to no image, of people among the identities all the same. */
  readonly notFound: readonly string[];
  /** Names that lead to no image and from which no identity can be told. */
  readonly unknown: readonly string[];
}

/**
 * The identities of all images that pairs name. A name that leads to no image still tells whose it is by its folders
 * (`ann/09.jpg`), by its own name (`Ann_0009.jpg`), or by its partner in a matched pair.
 */
export function peopleOf(pairs: readonly Omit<Pair, 'line'>[], names: ImageNames): PeopleOfPairs {
  const byName = identitiesByName(names.entries.map(({ identity }) => identity));
  const identities = new Set<string>();
  const notFound = new Set<string>();
  const unknown = new Set<string>();
  const of = (name: string): readonly string[] => {
    const found = names.find(name);
    if (typeof found === 'number') return [names.entries[found].identity];
    return candidates(name).flatMap((candidate) => byName.get(candidate) ?? []);
  };
  for (const { a, b, same } of pairs) {
    const people = [of(a), of(b)];
    for (const identity of people.flat()) identities.add(identity);
    for (const [side, name] of [a, b].entries()) {
      if (typeof names.find(name) === 'number') continue;
      const told = people[side].length > 0 || (same && people[1 - side].length > 0);
      (told ? notFound : unknown).add(name);
    }
  }
  identities.delete('');
  return { identities: [...identities], notFound: [...notFound], unknown: [...unknown] };
}

/** What in a path can be a person's name: its folders, and the file's name without extension and number. */
function candidates(path: string): string[] {
  const parts = path.replaceAll('\\', '/').split('/');
  const [file = ''] = parts.splice(-1);
  const stem = file.replace(/\.[^.]*$/, '');
  return [...parts, file, stem, stem.replace(/[ _-]*\d+$/, '')].filter((part) => part !== '').map(folded);
}

/** The identities of each name, in one Unicode form and whatever the case: rather one person too many is held out. */
function identitiesByName(identities: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const byName = new Map<string, string[]>();
  for (const identity of new Set(identities)) {
    const key = folded(identity);
    byName.set(key, [...(byName.get(key) ?? []), identity]);
  }
  return byName;
}

function folded(name: string): string {
  return normaliseName(name).toLowerCase();
}
