// The kinds of image that are read. A kind is added by its file and a line here; names and error texts come from the table.
import { bmpDecoder } from './bmp.js';
import type { PictureDecoder } from './decoder.js';
import { heicDecoder } from './heic.js';
import { jpeg2000Decoder } from './jpeg2000.js';
import { netpbmDecoder } from './netpbm.js';
import { sharpDecoders } from './sharp.js';

/** In the order of help and errors. */
export const pictureDecoders: readonly PictureDecoder[] = [
  ...sharpDecoders,
  heicDecoder,
  netpbmDecoder,
  bmpDecoder,
  jpeg2000Decoder,
];

/** How much of a file tells its kind. */
export const kindBytes = 64;

/** The decoder of what begins so; by content, whatever the file is called. */
export function decoderOf(head: Uint8Array): PictureDecoder | undefined {
  return pictureDecoders.find(({ matches }) => matches(head));
}

/** The kinds in words: `JPEG, PNG, … or JPEG 2000`. */
export function describeKinds(): string {
  const kinds = pictureDecoders.map(({ kind }) => kind);
  return `${kinds.slice(0, -1).join(', ')} or ${kinds[kinds.length - 1]}`;
}
