// What is in a gallery: people, their photos, and a row of embeddings for each photo.
import type { RowIdentities } from './search.js';
import { Rows, type RowType } from './rows.js';

/** By what a file is known again without being read: its size, when it was changed, and what its bytes hash to. */
export interface Stamp {
  readonly size: number;
  /** Milliseconds since 1970; `undefined` where photos come from no folder. */
  readonly modified: number | undefined;
  /** SHA-256 of the encoded photo. */
  readonly digest: string;
}

/** An enrolled photo. */
export interface GalleryPhoto {
  readonly identity: string;
  /** Its path in the folder it was enrolled from; of photos added singly, their path or name. */
  readonly file: string;
  /** `undefined` of photos added singly: enrolling a folder leaves them alone. */
  readonly stamp: Stamp | undefined;
}

/** A photo of an enrolled folder that gave no embedding, and why. */
export interface GalleryProblem extends GalleryPhoto {
  readonly error: string;
}

export class Contents {
  readonly rows: Rows;
  /** Photo k belongs to row k. */
  photos: GalleryPhoto[] = [];
  problems: GalleryProblem[] = [];
  private index: { readonly names: readonly string[]; readonly rows: RowIdentities } | undefined;

  constructor(width: number, type: RowType) {
    this.rows = new Rows(width, type);
  }

  /** The people, in the order they came, and whose each row is. */
  get identities(): { readonly names: readonly string[]; readonly rows: RowIdentities } {
    this.index ??= indexOf(this.photos);
    return this.index;
  }

  add(photo: GalleryPhoto, embedding: Float32Array): void {
    this.rows.append(embedding);
    this.photos.push(photo);
    this.index = undefined;
  }

  /** Takes out the photos for which `keep` is false; returns how many. */
  filter(keep: (photo: GalleryPhoto) => boolean): number {
    const kept = this.photos.map(keep);
    const removed = kept.reduce((sum, stays) => sum + Number(!stays), 0);
    if (removed === 0) return 0;
    this.rows.filter((row) => kept[row]!);
    this.photos = this.photos.filter((_, row) => kept[row]!);
    this.index = undefined;
    return removed;
  }

  /** After photos and rows were filled in from outside. */
  refresh(): void {
    this.index = undefined;
  }
}

function indexOf(photos: readonly GalleryPhoto[]) {
  const numbers = new Map<string, number>();
  const of = Int32Array.from(photos, ({ identity }) => {
    const number = numbers.get(identity) ?? numbers.size;
    numbers.set(identity, number);
    return number;
  });
  return { names: [...numbers.keys()], rows: { of, count: numbers.size } };
}
