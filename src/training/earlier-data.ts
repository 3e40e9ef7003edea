// Data as version 0.1 numbered and fingerprinted them, so that its runs, which hold no names, go on with every row at its person.
import { createHash } from 'node:crypto';
import { normaliseName } from '../common/names.js';
import type { ImageEntry, OpenedSource } from '../images/index.js';

export interface EarlierData {
  /** The classes in the order of version 0.1, by the names of today. */
  readonly classes: readonly string[];
  /** As its run.json has it. */
  readonly fingerprint: string;
}

/** Identities by the code units of their names (of their labels, in a list), images in the order of the source. */
export function earlierData({ kind, entries }: OpenedSource, minimumImages: number): EarlierData {
  const nameOf = ({ file, identity, label }: ImageEntry): string =>
    kind === 'folder' || kind === 'zip' ? file.slice(0, Math.max(file.indexOf('/'), 0)) : (label ?? identity);
  const today = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const entry of entries) {
    const name = nameOf(entry);
    today.set(name, normaliseName(entry.identity));
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const names = [...counts.keys()].filter((name) => name !== '' && counts.get(name)! >= minimumImages).sort();
  const used = new Set(names);
  const hash = createHash('sha256');
  for (const entry of entries) if (used.has(nameOf(entry))) hash.update(`${nameOf(entry)}\0${entry.file}\n`);
  return { classes: names.map((name) => today.get(name)!), fingerprint: hash.digest('hex') };
}
