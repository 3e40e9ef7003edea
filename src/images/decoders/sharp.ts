// The kinds of image that sharp reads: JPEG, PNG, WebP, GIF, TIFF, AVIF.
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { assertPixels, damagedImage, unreadKind } from '../decode-error.js';
import type { Picture } from '../source.js';
import { type DecodeOptions, hasText, mediaBrands, type PictureDecoder } from './decoder.js';
import { assertJpegScans } from './jpeg-scans.js';
import { assertReadableTiff } from './tiff-tags.js';

/** Decoders of libvips that photos need; its others (SVG, PDF, …) run programs or take unbounded time. */
const neededLoaders = ['Jpeg', 'Png', 'Webp', 'Nsgif', 'Tiff', 'Heif'].map((name) => `VipsForeignLoad${name}Buffer`);

/**
 * Blocks every decoder of the image library but the six that photos need, for the whole process. Only images that
 * begin as one of these kinds are handed to it in any case; a program of one's own that uses sharp for SVG must not
 * call this.
 */
export function blockOtherLoaders(): void {
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: neededLoaders });
}

const decoder = (
  kind: string,
  extensions: readonly string[],
  matches: PictureDecoder['matches'],
  check: (bytes: Uint8Array) => void = () => undefined,
): PictureDecoder => ({
  kind,
  extensions,
  matches,
  decode: async (bytes, options) => {
    check(bytes);
    return decodeUpright(kind, bytes, options);
  },
  decodeCrop: async (bytes, limitInputPixels) => {
    check(bytes);
    return decodeFlat(kind, bytes, limitInputPixels);
  },
});

export const sharpDecoders: readonly PictureDecoder[] = [
  decoder(
    'JPEG',
    ['.jpg', '.jpeg', '.jpe', '.jfif'],
    (head) => head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff,
    assertJpegScans,
  ),
  decoder('PNG', ['.png'], (head) => hasText(head, 0, '\x89PNG\r\n\x1a\n')),
  decoder('WebP', ['.webp'], (head) => hasText(head, 0, 'RIFF') && hasText(head, 8, 'WEBP')),
  decoder('GIF', ['.gif'], (head) => hasText(head, 0, 'GIF87a') || hasText(head, 0, 'GIF89a')),
  decoder(
    'TIFF',
    ['.tif', '.tiff'],
    (head) => ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].some((magic) => hasText(head, 0, magic)),
    assertReadableTiff,
  ),
  decoder(
    'AVIF',
    ['.avif'],
    (head) => mediaBrands(head).some((brand) => brand === 'avif' || brand === 'avis'),
    assertStill,
  ),
];

/** The image library reads stills alone, and would leave a sequence looking damaged. */
function assertStill(bytes: Uint8Array): void {
  if (mediaBrands(bytes)[0] === 'avis') throw unreadKind('an AVIF sequence');
}

type FailOn = 'error' | 'none';

/** A photo: EXIF rotation and colour profile applied, on a background, of an animation the first frame. */
async function decodeUpright(kind: string, bytes: Uint8Array, options: Required<DecodeOptions>): Promise<Picture> {
  const { background, limitInputPixels, strict } = options;
  const decode = (failOn: FailOn): Promise<Picture> =>
    toPicture(open(bytes, failOn, limitInputPixels, { pages: 1 }).autoOrient().flatten({ background }));
  try {
    return await decode('error');
  } catch (cause) {
    await assertHeaderPixels(bytes, limitInputPixels);
    const error = damagedImage(kind, bytes, cause);
    if (strict) throw error;
    const rest = await decode('none').catch(() => undefined);
    if (rest === undefined || isBlank(rest)) throw error;
    return { ...rest, damaged: true };
  }
}

/** An aligned crop, the fast path of training. */
async function decodeFlat(kind: string, bytes: Uint8Array, limitInputPixels: number): Promise<Picture> {
  try {
    return await toPicture(open(bytes, 'error', limitInputPixels, {}).removeAlpha());
  } catch (cause) {
    await assertHeaderPixels(bytes, limitInputPixels);
    throw damagedImage(kind, bytes, cause);
  }
}

function open(bytes: Uint8Array, failOn: FailOn, limitInputPixels: number, options: SharpOptions): Sharp {
  return sharp(bytes, { failOn, limitInputPixels, sequentialRead: true, ...options });
}

/**
 * The library's own error texts are not used: its buffer of errors is shared by all decodes of a process, and the text
 * of one is often another's.
 */
async function assertHeaderPixels(bytes: Uint8Array, limit: number): Promise<void> {
  const header = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch(() => undefined);
  if (header !== undefined) assertPixels(header.width, header.height, limit);
}

async function toPicture(image: Sharp): Promise<Picture> {
  const { data, info } = await image
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels === 3) return { width, height, data };
  const rgb = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) rgb.fill(data[pixel * channels]!, pixel * 3, pixel * 3 + 3);
  return { width, height, data: rgb };
}

/** Whether of a damaged image nothing was there: but for one pixel in twenty, all are as the last one, grey or black. */
function isBlank({ data }: Picture): boolean {
  const last = data.subarray(-3);
  let differing = 0;
  for (let i = 0; i < data.length; i += 3) {
    if (data[i] !== last[0] || data[i + 1] !== last[1] || data[i + 2] !== last[2]) differing++;
  }
  return differing * 60 < data.length;
}
