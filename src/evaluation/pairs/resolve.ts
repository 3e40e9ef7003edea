// Pairs and lists, and the images that they name: which there are, and which are missing and why.
import { normaliseName } from '../../common/names.js';
import { NameFinder } from '../../images/finder.js';
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

/** The images of a source by the names that pair files and lists use for them. */
export class ImageNames implements KnownImages {
  private readonly finder: NameFinder;
  private readonly identities: ReadonlySet<string>;

  /** @param around the folders around the source, with which the names may begin */
  constructor(
    readonly entries: readonly { readonly file: string; readonly identity: string }[],
    around: readonly string[] = [],
  ) {
    this.finder = new NameFinder(
      entries.map(({ file }) => file),
      around,
    );
    this.identities = new Set(entries.map(({ identity }) => normaliseName(identity)));
  }

  /** The image of a name: its index among the entries, or why there is none. */
  find(name: string): number | { readonly reason: string } {
    const found = this.finder.find(name);
    switch (found.kind) {
      case 'found':
        return found.index;
      case 'missing':
        return { reason: `no image ${name}` };
      case 'ambiguous': {
        const files = found.indices.map((index) => this.entries[index].file);
        return { reason: `${name} could be ${files.slice(0, 3).join(' or ')}${files.length > 3 ? ' or others' : ''}` };
      }
      default:
        return found satisfies never;
    }
  }

  hasImage(name: string): boolean {
    return this.finder.find(name).kind !== 'missing';
  }

  hasIdentity(name: string): boolean {
    return this.identities.has(normaliseName(name));
  }
}

/** Finds the images of pairs. */
export function resolvePairs(pairs: readonly Pair[], names: ImageNames): ResolvedPairs {
  const left: number[] = [];
  const right: number[] = [];
  const kept: number[] = [];
  const missing: MissingPair[] = [];
  for (const [index, { line, a, b }] of pairs.entries()) {
    const [i, j] = [names.find(a), names.find(b)];
    if (typeof i === 'number' && typeof j === 'number') {
      left.push(i);
      right.push(j);
      kept.push(index);
    } else {
      const reasons = [i, j].flatMap((found) => (typeof found === 'number' ? [] : [found.reason]));
      missing.push({ line, a, b, reason: [...new Set(reasons)].join('; ') });
    }
  }
  return { left: Int32Array.from(left), right: Int32Array.from(right), kept: Uint32Array.from(kept), missing };
}
