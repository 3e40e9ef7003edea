// What a data format is to the system. Each has a file of its own with one of these; `index.ts` lists them.
import type { OpenedSource } from '../source.js';

/** How to open a source of images. */
export interface OpenOptions {
  /** The folder that a list's relative paths start from; the list's own folder by default. */
  readonly root?: string;
}

/** A form in which people hold face images. */
export interface ImageFormat {
  /** The name, `kind` of its sources. */
  readonly kind: string;
  /** In help and errors: `a folder of identity folders`. */
  readonly describes: string;
  /** The row of the table in docs/formats.md (Markdown): how it looks, who is on an image, in which order images come. */
  readonly documentation: { readonly looksLike: string; readonly identity: string; readonly order: string };
  /**
   * Whether what lies at `path` has this form; at most one format of the list should say so.
   * @param head the first 512 bytes of a file, `undefined` for a folder
   */
  matches(path: string, head: Uint8Array | undefined): boolean | Promise<boolean>;
  /** Opens it. @throws SphereFaceError for what cannot be understood. */
  open(path: string, options: OpenOptions): Promise<OpenedSource>;
}

/** How much of a file the formats see before one of them is chosen. */
export const headBytes = 512;
