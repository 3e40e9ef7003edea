// Pairs and the images they name: which there are, which are missing, and whose they are.
import { fileFinder } from './file-finder.js';
import type { KnownImages } from './lines.js';
import type { Pair } from './pair.js';

/** A pair that cannot be used, and why. */
export interface MissingPair {
  readonly line: number;
  readonly a: string;
  readonly b: string;
  readonly reason: string;
}

/** Pairs whose images exist: indices into the entries, and which pairs of the file they are. */
export interface ResolvedPairs {
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** The index in the file's pairs of each resolved pair. */
  readonly kept: Uint32Array;
  readonly missing: readonly MissingPair[];
}

/** Finds the images of pairs by `find` (see {@link fileFinder}). */
export function resolvePairs(pairs: readonly Pair[], find: (path: string) => number | undefined): ResolvedPairs {
  const left: number[] = [];
  const right: number[] = [];
  const kept: number[] = [];
  const missing: MissingPair[] = [];
  for (const [index, { line, a, b }] of pairs.entries()) {
    const [i, j] = [find(a), find(b)];
    if (i !== undefined && j !== undefined) {
      left.push(i);
      right.push(j);
      kept.push(index);
    } else {
      const absent = [...new Set([...(i === undefined ? [a] : []), ...(j === undefined ? [b] : [])])];
      missing.push({ line, a, b, reason: `no image ${absent.join(' and ')}` });
    }
  }
  return { left: Int32Array.from(left), right: Int32Array.from(right), kept: Uint32Array.from(kept), missing };
}

/** The images there are, as {@link parsePairs} asks for them. */
export function knownImages(entries: readonly { readonly file: string; readonly identity: string }[]): KnownImages {
  const find = fileFinder(entries.map(({ file }) => file));
  const identities = new Set(entries.map(({ identity }) => identity.normalize('NFC')));
  return {
    hasImage: (path) => find(path) !== undefined,
    hasIdentity: (name) => identities.has(name.normalize('NFC')),
  };
}
