// What "images" are to the rest of the system: a list of entries whose bytes can be read in any order.
import type { AlignmentSpec } from './alignment.js';
import type { CropManifest } from './crop-manifest.js';

/** One image of a source. */
export interface ImageEntry {
  /** Path relative to the source's root, with forward slashes: `identity/001.jpg`. Unique within the source. */
  readonly file: string;
  /**
   * The person's name: the first folder of `file` for folders and zips; in a list the folder, where folders and labels
   * are one to one, else the label; in RecordIO the label. Empty if there is none.
   */
  readonly identity: string;
}

/** Read access to encoded images. Implementations: folder, zip, list, RecordIO. */
export interface ImageSource {
  /** Sorted by `file` (folder, zip), or in the order of the list. */
  readonly entries: readonly ImageEntry[];
  /** The encoded bytes (JPEG, PNG, …) of entry `index`. Safe to call concurrently. */
  read(index: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** A file that was seen but will not be read, and why. */
export interface RefusedFile {
  readonly file: string;
  readonly reason: string;
}

/** A source opened from a path, with the account of what was left out. */
export interface OpenedSource extends ImageSource {
  readonly kind: 'folder' | 'zip' | 'list' | 'recordio' | 'verification-set';
  /** How many files were passed over because they are no images (by their extension). */
  readonly ignored: number;
  /** Links out of the folder, unsafe names, encrypted or damaged entries: sorted by `file`. */
  readonly refused: readonly RefusedFile[];
  /** How the crops were aligned, as the `manifest.json` with them states; `undefined` where nothing says it. */
  readonly alignment: AlignmentSpec | undefined;
  /** That manifest, where one covers all images. */
  readonly manifest: CropManifest | undefined;
  /** What is odd about the source as a whole, a sentence each. */
  readonly warnings: readonly string[];
}

/** The most bytes an encoded image may have. */
export const maxImageBytes = 2 ** 28;

/** A decoded picture: RGB, 8 bits, interleaved rows (`data[(y * width + x) * 3 + channel]`). */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
