// A single photo, or crop, as a source of one image: `detect photo.jpg` is a newcomer's first command.
import { basename, dirname, resolve } from 'node:path';
import { decoderOf } from '../decoders/index.js';
import { entryAt, readBounded } from '../files.js';
import { hasImageExtension } from '../names.js';
import { openedSource } from '../source.js';
import type { ImageFormat } from './format.js';
import { ManifestFinder } from './list-manifests.js';

export const photoFormat: ImageFormat = {
  kind: 'photo',
  describes: 'a single image',
  documentation: { looksLike: '`001.jpg`', identity: 'none', order: 'one image' },
  matches: (path, head) => head !== undefined && (decoderOf(head) !== undefined || hasImageExtension(path)),
  open: async (path) => {
    const entries = [{ file: basename(path), identity: '' }];
    const set = await new ManifestFinder().find(dirname(resolve(path)));
    return openedSource({
      kind: 'photo',
      root: dirname(path),
      entries,
      alignment: set?.manifest.alignment,
      read: async (index) => {
        entryAt(entries, index);
        return readBounded(path);
      },
    });
  },
};
