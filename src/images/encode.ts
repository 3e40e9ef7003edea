// Pictures to files: the encoder of crops.
import sharp from 'sharp';
import type { JpegRoundTrip } from './degradation.js';
import type { Picture } from './source.js';

export const cropFormats = ['jpg', 'png'] as const;
/** How crops are stored: JPEG, or PNG without loss. */
export type CropFormat = (typeof cropFormats)[number];

/** How to encode a picture. */
export interface EncodeOptions {
  readonly format: CropFormat;
  /** JPEG quality, 1 to 100; no chroma subsampling. Ignored for PNG. */
  readonly quality: number;
}

/** PNG, which decodes to the same pixels; as JPEG the quality is that of `prepare`. */
export const defaultEncodeOptions: EncodeOptions = { format: 'png', quality: 95 };

/** Encodes a picture (RGB, 8 bits) as PNG or JPEG. */
export async function encodePicture(picture: Picture, options: Partial<EncodeOptions> = {}): Promise<Uint8Array> {
  const { format, quality } = { ...defaultEncodeOptions, ...options };
  const { width, height, data } = picture;
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  switch (format) {
    case 'jpg':
      return image.jpeg({ quality, chromaSubsampling: '4:4:4' }).toBuffer();
    case 'png':
      return image.png().toBuffer();
  }
}

/** The picture as JPEG of a quality gives it back, its colours at half the resolution as cameras store them. */
export const throughJpeg: JpegRoundTrip = async ({ width, height, data }, quality) => {
  const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality, chromaSubsampling: '4:2:0' })
    .toBuffer();
  return { width, height, data: new Uint8Array(await sharp(bytes).raw().toBuffer()) };
};
