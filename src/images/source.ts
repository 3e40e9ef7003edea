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

/** Read access to encoded images. Implementations: one per format (`formats/`), and {@link memorySource}. */
export interface ImageSource extends AsyncDisposable {
  /** Sorted by `file` (folder, zip), or in the order of the list. */
  readonly entries: readonly ImageEntry[];
  /** The encoded bytes (JPEG, PNG, …) of entry `index`. Safe to call concurrently. */
  read(index: number): Promise<Uint8Array>;
  /** Closes what is open; reading is an error afterwards. */
  dispose(): Promise<void>;
}

/** A file that was seen but will not be read, and why. */
export interface RefusedFile {
  readonly file: string;
  readonly reason: string;
}

/** A file that is no image, and what it is. */
export interface IgnoredFile {
  readonly file: string;
  /** In the singular: `video`, `PDF`, `hidden or system file`. */
  readonly kind: string;
}

/** Two images of a source, by their `file`, and whether they show one person. */
export interface SourcePair {
  readonly a: string;
  readonly b: string;
  readonly same: boolean;
}

/** A source opened from a path, with the account of what was left out. */
export interface OpenedSource extends ImageSource {
  /** The format's name, as `formats/index.ts` lists it; `memory` for images held there. */
  readonly kind: string;
  /** The folder or zip that the paths of the entries start from, where they are paths; `undefined` where they are not. */
  readonly root: string | undefined;
  /** Folders around the source, which paths from elsewhere may begin with: the zip's or folder's own name, what wraps a zip's entries. */
  readonly around: readonly string[];
  /** Files passed over because they are no images, sorted by `file`. */
  readonly ignored: readonly IgnoredFile[];
  /** Links out of the folder, unsafe names, encrypted or damaged entries: sorted by `file`. */
  readonly refused: readonly RefusedFile[];
  /** How the crops were aligned, as the `manifest.json` with them states; `undefined` where nothing says it. */
  readonly alignment: AlignmentSpec | undefined;
  /** That manifest, where one covers all images. */
  readonly manifest: CropManifest | undefined;
  /** What is odd about the source as a whole, a sentence each. */
  readonly warnings: readonly string[];
  /** The pairs that a verification set brings along. */
  readonly pairs: readonly SourcePair[] | undefined;
  /** In a list: the label of each entry as it is written there. */
  readonly labels: readonly string[] | undefined;
}

/** What a format knows of a source that it opened; the rest is as in a source without anything odd. */
export type SourceParts = Pick<OpenedSource, 'kind' | 'entries' | 'read'> &
  Partial<Omit<OpenedSource, typeof Symbol.asyncDispose>>;

/** A source of the parts that are known. */
export function openedSource(parts: SourceParts): OpenedSource {
  const { dispose = () => Promise.resolve() } = parts;
  return {
    root: undefined,
    around: [],
    ignored: [],
    refused: [],
    alignment: undefined,
    manifest: undefined,
    warnings: [],
    pairs: undefined,
    labels: undefined,
    ...parts,
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** The most bytes an encoded image may have. */
export const maxImageBytes = 2 ** 28;

/** A decoded picture: RGB, 8 bits, interleaved rows (`data[(y * width + x) * 3 + channel]`). */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
  /** Set where the file was truncated or damaged: parts of the picture are missing (grey or black) or wrong. */
  readonly damaged?: true;
}
