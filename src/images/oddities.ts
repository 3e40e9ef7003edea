// What is odd about the images of a source as a whole: said before the long work, not after it.
import type { ImageEntry } from './source.js';

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

/** Sentences on images outside of identity folders, on folders like `train` taken for people, and on names that differ in case only. */
export function oddities(entries: readonly ImageEntry[]): string[] {
  const found: string[] = [];
  const identities = new Set(entries.map(({ identity }) => identity));
  const stray = entries.filter(({ identity }) => identity === '');
  if (stray.length > 0 && identities.size > 1) {
    found.push(
      `${stray.length} ${stray.length === 1 ? 'image lies' : 'images lie'} in no identity folder: ${some(stray.map(({ file }) => file))}`,
    );
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
