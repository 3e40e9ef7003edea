// What "images" are to the rest of the system: a list of entries whose bytes can be read in any order.

/** One image of a source. */
export interface ImageEntry {
  /** Path relative to the source's root, with forward slashes: `identity/001.jpg`. Unique within the source. */
  readonly file: string;
  /** The identity: the first folder of `file` for folders and zips, the label's name otherwise. */
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

/** A decoded picture: RGB, 8 bits, interleaved rows (`data[(y * width + x) * 3 + channel]`). */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
