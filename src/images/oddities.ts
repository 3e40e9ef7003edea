// What is odd about the images of a source as a whole: said before the long work, not after it.
import { identityOf } from './names.js';
import type { ImageEntry } from './source.js';
import { wrappingOf } from './wrapping.js';

/** Folders that divide a data set; their names are no people's. */
const divisions: ReadonlySet<string> = new Set([
  'train',
  'training',
  'val',
  'valid',
  'validation',
  'test',
  'testing',
  'dev',
  'eval',
  'query',
  'gallery',
  'probe',
]);

/** Names given as examples in a sentence. */
const examples = 3;

/** Why a stray is left out. */
export const strayReason = 'it lies in no identity folder';

/** The sentence on strays that are left out; none without any. */
export function strayWarning(files: readonly string[]): string[] {
  return files.length === 0 ? [] : [`${strays(files)}; left out`];
}

function strays(files: readonly string[]): string {
  return `${files.length} ${files.length === 1 ? 'image lies' : 'images lie'} in no identity folder: ${some(files)}`;
}

/**
 * Sentences on images outside of identity folders, on folders like `train`, or around all people, that are taken for people, and on
 * names that differ in case only.
 */
export function oddities(entries: readonly ImageEntry[]): string[] {
  const found: string[] = [];
  const identities = new Set(entries.map(({ identity }) => identity));
  const stray = entries.filter(({ identity }) => identity === '');
  if (stray.length > 0 && identities.size > 1) {
    found.push(strays(stray.map(({ file }) => file)));
  }
  identities.delete('');
  const names = [...identities];
  if (names.length > 0 && names.every((name) => divisions.has(name.toLowerCase()))) {
    const below = entries.filter(({ identity, file }) => identity !== '' && file.split('/').length > 2);
    if (below.length > entries.length / 2) {
      found.push(
        `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} taken for ${names.length === 1 ? 'a person' : 'people'}: ` +
          `to use the people below, give one of these folders, or the pattern */{identity}/*`,
      );
    }
  } else if (names.length === 1) {
    const { prefix, folders } = wrappingOf(entries.map(({ file }) => file));
    if (folders > 1 && identityOf(prefix) === names[0]) {
      found.push(
        `the images are taken for those of one person, ${names[0]}, but lie in ${folders} folders below ${prefix}: ` +
          `if these are people, give that folder, PATH/${prefix.slice(0, -1)}`,
      );
    }
  }
  const folded = new Map<string, string[]>();
  for (const name of names) folded.set(name.toLowerCase(), [...(folded.get(name.toLowerCase()) ?? []), name]);
  const twins = [...folded.values()].filter(({ length }) => length > 1);
  if (twins.length > 0) {
    found.push(
      `identities that differ in case only are different people: ${some(twins.map((twin) => twin.join(' and ')))}`,
    );
  }
  return found;
}

function some(names: readonly string[]): string {
  return `${names.slice(0, examples).join(', ')}${names.length > examples ? ', …' : ''}`;
}
