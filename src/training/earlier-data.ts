// Data as version 0.1 numbered and fingerprinted them, so that its runs, which hold no names, go on with every row at its person.
import { createHash } from 'node:crypto';
import { normaliseName } from '../common/names.js';
import type { OpenedSource } from '../images/index.js';

export interface EarlierData {
  /** The classes in the order of version 0.1, by the names of today. */
  readonly classes: readonly string[];
  /** As its run.json has it. */
  readonly fingerprint: string;
}

/** Identities by the code units of their names (of their labels, in a list), images in the order of the source. */
export function earlierData({ kind, entries, labels }: OpenedSource, minimumImages: number): EarlierData {
  const ofFolders = kind === 'folder' || kind === 'zip';
  const names = entries.map(({ file, identity }, index) =>
    ofFolders ? file.slice(0, Math.max(file.indexOf('/'), 0)) : (labels?.[index] ?? identity),
  );
  const today = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    today.set(name, normaliseName(entries[index].identity));
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const classes = [...counts.keys()].filter((name) => name !== '' && counts.get(name)! >= minimumImages).sort();
  const used = new Set(classes);
  const hash = createHash('sha256');
  for (const [index, name] of names.entries()) if (used.has(name)) hash.update(`${name}\0${entries[index].file}\n`);
  return { classes: classes.map((name) => today.get(name)!), fingerprint: hash.digest('hex') };
}
