// Images held in memory as a source: what a program has made itself or got from elsewhere.
import { entryAt } from '../files.js';
import { identityOf } from '../names.js';
import { openedSource, type OpenedSource } from '../source.js';

/** An image for {@link memorySource}. */
export interface MemoryImage {
  /** A name, unique in the source: `identity/001.jpg`. */
  readonly file: string;
  /** The encoded image (JPEG, PNG, …); `encodePicture` makes them of pixels. */
  readonly bytes: Uint8Array;
  /** Who it is; the first folder of `file` by default. */
  readonly identity?: string;
}

/**
 * A source of images in memory, in the order given. Nothing is copied.
 * @throws RangeError for a name that occurs twice.
 */
export function memorySource(images: Iterable<MemoryImage>): OpenedSource {
  const held = [...images];
  const names = new Set<string>();
  for (const { file } of held) {
    if (names.has(file)) throw new RangeError(`two images are called ${file}`);
    names.add(file);
  }
  return openedSource({
    kind: 'memory',
    entries: held.map(({ file, identity = identityOf(file) }) => ({ file, identity })),
    read: async (index) => entryAt(held, index).bytes,
  });
}
