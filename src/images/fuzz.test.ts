// Random damage to images, zips and lists: a result or an error that says what is wrong, never a crash.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { SphereFaceError } from '../common/errors.js';
import { damaged, fuzzRuns, fuzzTimeout } from '../testing/fuzz.js';
import { useScratch } from '../testing/scratch.js';
import { writeZip } from '../testing/zip-writer.js';
import { writeTiff } from '../testing/tiff-writer.js';
import { guessText } from './code-pages.js';
import { decodePhoto } from './decode.js';
import { ImageDecodeError } from './decode-error.js';
import { openImageSource } from './formats/index.js';

const scratch = useScratch();
const pixels = Uint8Array.from({ length: 24 * 20 * 3 }, (_, i) => (i * 2654435761) >>> 24);
const drawn = sharp(pixels, { raw: { width: 24, height: 20, channels: 3 } });
const fixture = (name: string): Promise<Buffer> => readFile(new URL(`fixtures/${name}`, import.meta.url));

const bmp = (): Buffer => {
  const header = Buffer.alloc(54);
  header.write('BM');
  header.writeUInt32LE(54, 10);
  header.writeUInt32LE(40, 14);
  header.writeInt32LE(24, 18);
  header.writeInt32LE(20, 22);
  header.writeUInt16LE(24, 28);
  return Buffer.concat([header, pixels]);
};

const images: readonly (readonly [string, () => Promise<Uint8Array>, number])[] = [
  ['JPEG', () => drawn.clone().jpeg().toBuffer(), 60],
  ['progressive JPEG', () => drawn.clone().jpeg({ progressive: true }).toBuffer(), 60],
  ['PNG', () => drawn.clone().png().toBuffer(), 60],
  ['WebP', () => drawn.clone().webp().toBuffer(), 60],
  ['GIF', () => drawn.clone().gif().toBuffer(), 60],
  ['TIFF', () => drawn.clone().tiff().toBuffer(), 60],
  [
    'plain TIFF',
    async () => writeTiff({ width: 24, height: 20, samples: 3, bits: 8, photometric: 2, data: pixels }),
    60,
  ],
  ['AVIF', () => fixture('face.avif'), 15],
  ['HEIC', () => fixture('face.heic'), 15],
  ['JPEG 2000', () => fixture('face.jp2'), 8],
  ['PPM', async () => Buffer.concat([Buffer.from('P6\n24 20\n255\n'), pixels]), 100],
  ['text PGM', async () => Buffer.from(`P2\n24 20\n255\n${[...pixels.subarray(0, 480)].join(' ')}`), 100],
  ['BMP', async () => bmp(), 100],
];

describe('any damage to an image gives a picture or an ImageDecodeError', () => {
  it.each(images)(
    '%s',
    async (_, make, short) => {
      const whole = await make();
      await expect(decodePhoto(whole)).resolves.toMatchObject({ width: expect.any(Number) as number });
      await fc.assert(
        fc.asyncProperty(damaged(whole), async (bytes) => {
          try {
            const { width, height, data } = await decodePhoto(bytes, { limitInputPixels: 2 ** 20 });
            expect(data.length).toBe(width * height * 3);
          } catch (error) {
            expect(error).toBeInstanceOf(ImageDecodeError);
          }
        }),
        { numRuns: fuzzRuns(short) },
      );
    },
    fuzzTimeout(100),
  );

  it(
    'bytes of any kind',
    async () => {
      const magics = await Promise.all(images.map(async ([, make]) => (await make()).subarray(0, 32)));
      const bytes = fc.tuple(fc.constantFrom(...magics, new Uint8Array()), fc.uint8Array({ maxLength: 200 }));
      await fc.assert(
        fc.asyncProperty(bytes, async ([magic, rest]) => {
          await decodePhoto(Buffer.concat([magic, rest]), { limitInputPixels: 2 ** 20 }).catch((error: unknown) =>
            expect(error).toBeInstanceOf(ImageDecodeError),
          );
        }),
        { numRuns: fuzzRuns(200) },
      );
    },
    fuzzTimeout(200),
  );
});

describe('any damage to a source gives a source or a SphereFaceError', () => {
  const data = Buffer.from('one one one one');
  const zip = writeZip([
    { name: 'a/1.jpg', data, deflate: true },
    { name: 'b/2', data: pixels, extra: 20 },
    { name: 'b\\3.txt', data, deflate: true },
    { name: 'manifest.json', data: Buffer.from('{"kind":"sphereface-aligned"'.slice(0, 12)) },
  ]);
  const list = Buffer.from('a/1.jpg 0\n# b\nfaces.zip/a/1.jpg 1\n0\t1\t2.000\ta\\1.jpg\n');

  it.each([
    ['zip', 'fuzz.zip', zip, 120],
    ['list', 'fuzz.txt', list, 200],
  ] as const)(
    'a %s',
    async (_, name, whole, short) => {
      await scratch.put('faces.zip', writeZip([{ name: 'a/1.jpg', data }]));
      const path = join(scratch.folder, name);
      await fc.assert(
        fc.asyncProperty(damaged(whole), async (bytes) => {
          await writeFile(path, bytes);
          try {
            await using source = await openImageSource(path);
            for (const index of source.entries.keys()) {
              await source.read(index).catch((error: NodeJS.ErrnoException) => {
                if (error.code === undefined) expect(error).toBeInstanceOf(SphereFaceError);
              });
            }
          } catch (error) {
            expect(error).toBeInstanceOf(SphereFaceError);
          }
        }),
        { numRuns: fuzzRuns(short) },
      );
    },
    fuzzTimeout(200),
  );

  it('names of any bytes have a reading', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 5 }), (parts) => {
        expect(guessText(parts).texts).toHaveLength(parts.length);
      }),
      { numRuns: fuzzRuns(300) },
    );
  });
});
