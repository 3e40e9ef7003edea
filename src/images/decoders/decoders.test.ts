// Every decoder: a face against its JPEG, PPM, PGM, BMP and TIFF against their pixels, and files that are damaged or not read.
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { writeBigTiff, writeTiff } from '../../testing/tiff-writer.js';
import { decodeCrop, decodePhoto } from '../decode.js';
import type { Picture } from '../source.js';
import { decoderOf, describeKinds, pictureDecoders } from './index.js';

const fixture = (name: string): Promise<Buffer> => readFile(new URL(`../fixtures/${name}`, import.meta.url));
const means = ({ data }: Picture): number[] =>
  [0, 1, 2].map(
    (channel) => data.reduce((sum, value, i) => sum + (i % 3 === channel ? value : 0), 0) / (data.length / 3),
  );

/** 5 × 3 pixels, no two rows or columns alike. */
const [width, height] = [5, 3];
const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 256);
const grey = Uint8Array.from({ length: width * height }, (_, i) => i * 17);
const replicated = (values: Uint8Array): Uint8Array =>
  Uint8Array.from({ length: values.length * 3 }, (_, i) => values[Math.floor(i / 3)]);

describe('the decoders', () => {
  it.each(['jpg', 'avif', 'heic', 'jp2'])('read one face as %s', async (extension) => {
    const picture = await decodePhoto(await fixture(`face.${extension}`));
    expect([picture.width, picture.height, picture.damaged]).toEqual([160, 160, undefined]);
    const expected = means(await decodePhoto(await fixture('face.jpg')));
    for (const [channel, mean] of means(picture).entries())
      expect(Math.abs(mean - expected[channel])).toBeLessThan(1.5);
    // A crop of the same kind, by the other path.
    expect(await decodeCrop(await fixture(`face.${extension}`), picture)).toEqual(picture);
  });

  it.each(['heic', 'jp2', 'avif'])('refuse a %s file that ends early, and go on with the next', async (extension) => {
    const whole = await fixture(`face.${extension}`);
    for (const length of [40, 200, whole.length >> 1]) {
      await expect(decodePhoto(whole.subarray(0, length))).rejects.toThrow(/truncated or damaged/);
    }
    await expect(decodePhoto(whole, { limitInputPixels: 100 })).rejects.toThrow(/160 x 160/);
    await expect(decodePhoto(whole)).resolves.toMatchObject({ width: 160 });
  });

  it('refuse by name what only looks damaged to the libraries: transparent JPEG 2000, sequences of AVIF', async () => {
    const jp2 = await fixture('face.jp2');
    const size = jp2.indexOf(Buffer.from('ff4fff51', 'hex'));
    for (const components of [2, 4]) {
      jp2.writeUInt16BE(components, size + 40);
      await expect(decodePhoto(jp2)).rejects.toThrow(/a JPEG 2000 with transparency, or in CMYK, which is not read/);
    }
    const avif = await fixture('face.avif');
    avif.write('avis', 8);
    await expect(decodePhoto(avif)).rejects.toThrow(/an AVIF sequence, which is not read/);
    await expect(decodeCrop(avif, { width: 160, height: 160 })).rejects.toThrow(/an AVIF sequence/);
  });

  it('are found by content alone, one for each kind', async () => {
    for (const name of ['face.jpg', 'face.avif', 'face.heic', 'face.jp2']) {
      const head = (await fixture(name)).subarray(0, 64);
      const found = pictureDecoders.filter(({ matches }) => matches(head));
      expect(found.map(({ extensions }) => extensions[0])).toEqual([name.slice(4)]);
    }
    expect(decoderOf(Buffer.from('BM is how this text begins'))).toBeUndefined();
    expect(decoderOf(Buffer.from('P6 is a road'))?.kind).toBe('PPM or PGM');
    expect(describeKinds()).toBe('JPEG, PNG, WebP, GIF, TIFF, AVIF, HEIC, PPM or PGM, BMP or JPEG 2000');
  });
});

describe('PPM and PGM', () => {
  const file = (header: string, body: Uint8Array | string): Buffer =>
    Buffer.concat([Buffer.from(header), Buffer.from(body)]);
  const text = (values: Iterable<number>): string => [...values].join(' ');

  it.each([
    ['P6', file(`P6\n# a comment\n${width} ${height}\n255\n`, pixels), pixels],
    ['P3', file(`P3 ${width}\t${height} 255\n`, text(pixels)), pixels],
    ['P5', file(`P5\n${width}\n${height} # wide, high\n255\n`, grey), replicated(grey)],
    ['P2', file(`P2\n${width} ${height}\n255\n`, text(grey)), replicated(grey)],
  ])('%s gives its pixels', async (_, bytes, expected) => {
    expect(await decodePhoto(bytes)).toEqual({ width, height, data: expected });
  });

  it('scales other maxima, 16 bits included, to 0 … 255', async () => {
    const wide = Buffer.from([0, 0, 0x80, 0, 0xff, 0xff]);
    expect([...(await decodePhoto(file('P5 3 1 65535\n', wide))).data].filter((_, i) => i % 3 === 0)).toEqual([
      0, 128, 255,
    ]);
    expect([...(await decodePhoto(file('P2 3 1 5\n', '0 1 5'))).data].filter((_, i) => i % 3 === 0)).toEqual([
      0, 51, 255,
    ]);
  });

  it('reads bitmaps, in which 1 is black', async () => {
    const bits = (picture: Picture): number[] =>
      [...picture.data].filter((_, i) => i % 3 === 0).map((value) => value / 255);
    const expected = [0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0];
    expect(bits(await decodePhoto(file('P1\n9 2\n', '100100001\n1010 10101')))).toEqual(expected);
    expect(bits(await decodePhoto(file('P4\n9 2\n', Uint8Array.from([0x90, 0x80, 0xd5, 0x80]))))).toEqual([
      0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0,
    ]);
  });

  it('takes the whole rows of a truncated file, or refuses', async () => {
    const whole = file(`P6 ${width} ${height} 255\n`, pixels);
    const part = await decodePhoto(whole.subarray(0, whole.length - 7));
    expect(part.damaged).toBe(true);
    expect([...part.data.subarray(0, 30)]).toEqual([...pixels.subarray(0, 30)]);
    await expect(decodePhoto(whole.subarray(0, whole.length - 7), { strict: true })).rejects.toThrow(/damaged/);
    await expect(decodePhoto(whole.subarray(0, 15))).rejects.toThrow(/damaged/);
    await expect(decodePhoto(Buffer.from('P6 100000 100000 255\n'))).rejects.toThrow(/100000 x 100000/);
    await expect(decodePhoto(Buffer.from('P6 is a road'))).rejects.toThrow(/damaged/);
  });
});

describe('BMP', () => {
  /** A BMP of Windows' oldest header, or of OS/2's; rows are given in the order of the file. */
  const bmp = (
    bits: number,
    rows: readonly (readonly number[])[],
    options: {
      palette?: readonly number[];
      topDown?: boolean;
      masks?: readonly number[];
      core?: boolean;
      method?: number;
    } = {},
  ): Buffer => {
    const { palette = [], topDown = false, masks = [], core = false, method = masks.length > 0 ? 3 : 0 } = options;
    const header = Buffer.alloc(core ? 12 : 40);
    header.writeUInt32LE(header.length, 0);
    if (core) {
      header.writeUInt16LE(width, 4);
      header.writeUInt16LE(rows.length, 6);
      header.writeUInt16LE(1, 8);
      header.writeUInt16LE(bits, 10);
    } else {
      header.writeInt32LE(width, 4);
      header.writeInt32LE(topDown ? -rows.length : rows.length, 8);
      header.writeUInt16LE(1, 12);
      header.writeUInt16LE(bits, 14);
      header.writeUInt32LE(method, 16);
    }
    const maskBytes = Buffer.from(Uint32Array.from(masks).buffer);
    const body = rows.map((row) => Buffer.concat([Buffer.from(row), Buffer.alloc((4 - (row.length % 4)) % 4)]));
    const before = Buffer.concat([header, maskBytes, Buffer.from(palette)]);
    const file = Buffer.alloc(14);
    file.write('BM');
    // A gap before the rows: they are where the file says, not where the palette ends.
    file.writeUInt32LE(14 + before.length + 8, 10);
    return Buffer.concat([file, before, Buffer.alloc(8), ...body]);
  };
  const rowOf = (y: number): number[][] =>
    Array.from({ length: width }, (_, x) => [...pixels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)]);
  const upwards = [2, 1, 0];

  it('gives the pixels of 24 and 32 bits, upwards and downwards', async () => {
    const bgr = (y: number): number[] => rowOf(y).flatMap(([r, g, b]) => [b, g, r]);
    const expected = { width, height, data: pixels };
    expect(await decodePhoto(bmp(24, upwards.map(bgr)))).toEqual(expected);
    expect(await decodePhoto(bmp(24, upwards.map(bgr), { core: true }))).toEqual(expected);
    expect(await decodePhoto(bmp(24, [0, 1, 2].map(bgr), { topDown: true }))).toEqual(expected);
    const bgra = (y: number): number[] => rowOf(y).flatMap(([r, g, b]) => [b, g, r, 9]);
    expect(await decodePhoto(bmp(32, upwards.map(bgra)))).toEqual(expected);
    const rgba = (y: number): number[] => rowOf(y).flatMap(([r, g, b]) => [r, g, b, 9]);
    const masks = [0xff, 0xff00, 0xff0000];
    expect(await decodePhoto(bmp(32, upwards.map(rgba), { masks }))).toEqual(expected);
  });

  it('gives the colours of a palette of 1, 4 and 8 bits', async () => {
    const palette = [1, 2, 3, 0, 11, 12, 13, 0, 21, 22, 23, 0];
    const colour = [
      [3, 2, 1],
      [13, 12, 11],
      [23, 22, 21],
      [0, 0, 0],
    ];
    const row = async (bits: number, bytes: readonly number[]): Promise<number[]> => [
      ...(await decodePhoto(bmp(bits, [bytes], { palette: palette.slice(0, bits === 1 ? 8 : 12) }))).data,
    ];
    expect(await row(8, [0, 1, 2, 1, 0])).toEqual([0, 1, 2, 1, 0].flatMap((i) => colour[i]));
    expect(await row(4, [0x01, 0x21, 0x00])).toEqual([0, 1, 2, 1, 0].flatMap((i) => colour[i]));
    expect(await row(1, [0b01101000])).toEqual([0, 1, 1, 0, 1].flatMap((i) => colour[i]));
  });

  it('gives 16 bits by the usual five and by masks', async () => {
    const words = (...values: number[]): number[] => values.flatMap((value) => [value & 255, value >> 8]);
    const row = words(0x7c00, 0x03e0, 0x001f, 0x7fff, 0);
    const expected = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0];
    expect([...(await decodePhoto(bmp(16, [row]))).data]).toEqual(expected);
    const wide = words(0xf800, 0x07e0, 0x001f, 0xffff, 0);
    expect([...(await decodePhoto(bmp(16, [wide], { masks: [0xf800, 0x07e0, 0x001f] }))).data]).toEqual(expected);
  });

  it('refuses run lengths by name, and damaged files', async () => {
    await expect(decodePhoto(bmp(8, [[0, 0, 0, 0, 0]], { method: 1 }))).rejects.toThrow(
      /a compressed BMP, which is not/,
    );
    const whole = bmp(24, [new Array<number>(15).fill(7), new Array<number>(15).fill(8)]);
    expect((await decodePhoto(whole.subarray(0, -3))).damaged).toBe(true);
    await expect(decodePhoto(whole.subarray(0, -3), { strict: true })).rejects.toThrow(/damaged/);
    await expect(decodePhoto(whole.subarray(0, 40))).rejects.toThrow(/damaged/);
  });
});

describe('TIFF', () => {
  const plain = { width, height, samples: 3, bits: 8, photometric: 2, data: pixels };

  it('is read where its values are colours', async () => {
    expect(await decodePhoto(writeTiff(plain))).toMatchObject({ width, height });
    expect([...(await decodePhoto(writeTiff(plain))).data]).toEqual([...pixels]);
    const jpeg = await sharp(pixels, { raw: { width, height, channels: 3 } })
      .tiff({ compression: 'jpeg' })
      .toBuffer();
    await expect(decodePhoto(jpeg)).resolves.toMatchObject({ width, height });
  });

  it.each([
    ['YCbCr without JPEG compression', { photometric: 6 }],
    [
      'floating-point values',
      { bits: 32, format: 3, samples: 1, photometric: 1, data: new Uint8Array(width * height * 4) },
    ],
    ['signed or complex values', { format: 2 }],
    ['Lab', { photometric: 8 }],
    ['more than 16 bits', { bits: 32, samples: 1, photometric: 1, data: new Uint8Array(width * height * 4) }],
  ])('is refused by name for %s', async (what, change) => {
    await expect(decodePhoto(writeTiff({ ...plain, ...change }))).rejects.toThrow(what);
    await expect(decodePhoto(writeBigTiff({ ...plain, ...change }))).rejects.toThrow(what);
  });

  it('is read in its large form', async () => {
    expect([...(await decodePhoto(writeBigTiff(plain))).data]).toEqual([...pixels]);
  });
});
