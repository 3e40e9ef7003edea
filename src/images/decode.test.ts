// Decoding: colours, depths, orientation, transparency, damaged and hostile files, and crops of the wrong size.
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeCrop, decodePhoto } from './decode.js';
import { ImageDecodeError } from './decode-error.js';
import type { Picture } from './source.js';

/** 8 × 4 pixels, left half red, right half blue. */
const halves = Buffer.alloc(8 * 4 * 3);
for (let pixel = 0; pixel < 32; pixel++) halves[pixel * 3 + (pixel % 8 < 4 ? 0 : 2)] = 255;
const raw = { raw: { width: 8, height: 4, channels: 3 } } as const;

function pixel(picture: Picture, x: number, y: number): number[] {
  const start = (y * picture.width + x) * 3;
  return [...picture.data.subarray(start, start + 3)];
}

describe('decodePhoto', () => {
  it('gives RGB, rows interleaved', async () => {
    const picture = await decodePhoto(await sharp(halves, raw).png().toBuffer());
    expect([picture.width, picture.height, picture.data.length]).toEqual([8, 4, 96]);
    expect(Buffer.from(picture.data).equals(halves)).toBe(true);
  });

  it('turns the picture as EXIF says', async () => {
    // Orientation 6: the camera was held so that the picture must be turned 90° clockwise; the left edge comes to the top.
    const bytes = await sharp(halves, raw).withMetadata({ orientation: 6 }).png().toBuffer();
    const picture = await decodePhoto(bytes);
    expect([picture.width, picture.height]).toEqual([4, 8]);
    expect(pixel(picture, 0, 0)).toEqual([255, 0, 0]);
    expect(pixel(picture, 0, 7)).toEqual([0, 0, 255]);
  });

  it('reads CMYK JPEGs', async () => {
    const bytes = await sharp(halves, raw).resize(64, 32).toColourspace('cmyk').jpeg().toBuffer();
    expect((await sharp(bytes).metadata()).space).toBe('cmyk');
    const picture = await decodePhoto(bytes);
    expect(picture.data.length).toBe(64 * 32 * 3);
    const [red, green, blue] = pixel(picture, 2, 2);
    expect(red).toBeGreaterThan(180);
    expect(green).toBeLessThan(80);
    expect(blue).toBeLessThan(80);
  });

  it('reduces 16 bits to 8', async () => {
    const deep = Uint16Array.from({ length: 12 }, (_, index) => index * 5000);
    const bytes = await sharp(deep, { raw: { width: 2, height: 2, channels: 3 } })
      .toColourspace('rgb16')
      .png({ palette: false })
      .toBuffer();
    expect((await sharp(bytes).metadata()).depth).toBe('ushort');
    const picture = await decodePhoto(bytes);
    expect([...picture.data]).toEqual([...deep].map((value) => value >> 8));
  });

  it('replicates grey, 8 and 16 bits', async () => {
    const grey = await sharp(Buffer.from([0, 128, 255, 7]), { raw: { width: 2, height: 2, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect((await sharp(grey).metadata()).channels).toBe(1);
    expect([...(await decodePhoto(grey)).data]).toEqual([0, 0, 0, 128, 128, 128, 255, 255, 255, 7, 7, 7]);
    const grey16 = await sharp(Uint16Array.from([0, 32768, 65535, 256]), { raw: { width: 2, height: 2, channels: 1 } })
      .toColourspace('grey16')
      .png()
      .toBuffer();
    expect((await sharp(grey16).metadata()).depth).toBe('ushort');
    expect([...(await decodePhoto(grey16)).data]).toEqual([0, 0, 0, 128, 128, 128, 255, 255, 255, 1, 1, 1]);
  });

  it('lays transparency over black unless white is asked for', async () => {
    const clear = Buffer.from([255, 0, 0, 0, 0, 255, 0, 255]);
    const bytes = await sharp(clear, { raw: { width: 2, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect([...(await decodePhoto(bytes)).data]).toEqual([0, 0, 0, 0, 255, 0]);
    expect([...(await decodePhoto(bytes, { background: 'white' })).data]).toEqual([255, 255, 255, 0, 255, 0]);
  });

  it('takes the first frame of an animation', async () => {
    const red = await sharp({ create: { width: 6, height: 5, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    const blue = await sharp({ create: { width: 6, height: 5, channels: 3, background: 'blue' } })
      .png()
      .toBuffer();
    const bytes = await sharp([red, blue], { join: { animated: true } })
      .gif()
      .toBuffer();
    expect((await sharp(bytes).metadata()).pages).toBe(2);
    const picture = await decodePhoto(bytes);
    expect([picture.width, picture.height]).toEqual([6, 5]);
    expect(pixel(picture, 3, 3)).toEqual([255, 0, 0]);
  });

  const noise = Buffer.from(Uint8Array.from({ length: 64 * 64 * 3 }, (_, index) => (index * 2654435761) >>> 24));
  const encoded = (format: 'jpeg' | 'png' | 'webp' | 'tiff' | 'avif'): Promise<Buffer> =>
    sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .toFormat(format)
      .toBuffer();

  it('takes what is there of a truncated JPEG, unless told to be strict', async () => {
    const whole = await encoded('jpeg');
    const picture = await decodePhoto(whole);
    expect(picture.damaged).toBeUndefined();
    const half = whole.subarray(0, whole.length >> 1);
    const part = await decodePhoto(half);
    expect(part).toMatchObject({ width: 64, height: 64, damaged: true });
    const above = 64 * 3 * 8;
    expect(Buffer.from(part.data.subarray(0, above)).equals(Buffer.from(picture.data.subarray(0, above)))).toBe(true);
    expect([...part.data.subarray(-3)]).toEqual([128, 128, 128]);
    await expect(decodePhoto(half, { strict: true })).rejects.toThrow(/truncated or damaged/);
    await expect(decodeCrop(half, { width: 64, height: 64 })).rejects.toThrow(/truncated or damaged/);
    // Only the mark of its end is missing.
    const unended = await decodePhoto(whole.subarray(0, -2));
    expect(unended.damaged).toBe(true);
    expect(Buffer.from(unended.data).equals(Buffer.from(picture.data))).toBe(true);
  });

  it.each(['webp', 'tiff', 'avif'] as const)(
    'calls a truncated %s file an error: nothing of it can be had',
    async (format) => {
      const whole = await encoded(format);
      await expect(decodePhoto(whole)).resolves.toMatchObject({ width: 64, height: 64 });
      await expect(decodePhoto(whole.subarray(0, whole.length >> 1))).rejects.toThrow(ImageDecodeError);
    },
  );

  it('calls a JPEG of which only the header is there an error', async () => {
    const whole = await readFile(new URL('fixtures/face.jpg', import.meta.url));
    const scan = whole.indexOf(Buffer.from([0xff, 0xda]));
    await expect(decodePhoto(whole.subarray(0, scan + 14))).rejects.toThrow(/a JPEG of \d+ bytes/);
  });

  it('says what is wrong with an empty file, text, a file of another kind, and an oversized image', async () => {
    const jpeg = await sharp(halves, raw).resize(128, 64).jpeg().toBuffer();
    await expect(decodePhoto(new Uint8Array())).rejects.toThrow(/empty/);
    await expect(decodePhoto(Buffer.from('not an image at all'))).rejects.toThrow(/not an image[^]*JPEG, PNG/);
    await expect(decodePhoto(Buffer.from('%PDF-1.7 …'))).rejects.toThrow(/The file is a PDF, which is not read/);
    await expect(decodePhoto(Buffer.from('<!DOCTYPE html><p>'))).rejects.toThrow(/is an HTML page[^]*next: download/);
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1\n';
    await expect(decodePhoto(Buffer.from(pointer))).rejects.toThrow(/is a Git LFS pointer[^]*next: .*git lfs pull/);
    await expect(decodePhoto(jpeg, { limitInputPixels: 1000 })).rejects.toThrow(
      /too large.*\n[^]*128 x 64[^]*1000 pixels/,
    );
  });

  it('never hands an SVG to the image library, whatever it hides behind', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>';
    expect((await sharp(Buffer.from(svg)).metadata()).format).toBe('svg');
    await expect(decodePhoto(Buffer.from(svg))).rejects.toThrow(/is an SVG drawing/);
    await expect(decodePhoto(Buffer.from(`<?xml version="1.0"?>\n${svg}`))).rejects.toThrow(/is an SVG drawing/);
    await expect(decodePhoto(Buffer.from(`GIF89a${svg}`))).rejects.toThrow(/a GIF of/);
    await expect(decodeCrop(Buffer.from(svg), { width: 8, height: 8 })).rejects.toThrow(/is an SVG drawing/);
  });

  it('refuses a JPEG of hundreds of scans before it takes half a minute', async () => {
    const progressive = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg({ progressive: true })
      .toBuffer();
    await expect(decodePhoto(progressive)).resolves.toMatchObject({ width: 64 });
    const scan = progressive.indexOf(Buffer.from([0xff, 0xda]));
    const next = progressive.indexOf(Buffer.from([0xff, 0xc4]), scan);
    const copies = Array.from({ length: 200 }, () => progressive.subarray(scan, next));
    const hostile = Buffer.concat([progressive.subarray(0, scan), ...copies, progressive.subarray(scan)]);
    await expect(decodePhoto(hostile)).rejects.toThrow(/more scans/);
    await expect(decodeCrop(hostile, { width: 64, height: 64 })).rejects.toThrow(/more scans/);
  });

  it('gives each image its own error, however many are decoded at once', async () => {
    const cases = await Promise.all(
      (['jpeg', 'png', 'webp', 'tiff', 'avif'] as const).map(async (format) => {
        const bytes = (await encoded(format)).subarray(0, 700);
        const alone = await decodePhoto(bytes, { strict: true }).catch(String);
        return { bytes, alone };
      }),
    );
    const many = Array.from({ length: 200 }, (_, i) => cases[i % cases.length]);
    const together = await Promise.all(many.map(({ bytes }) => decodePhoto(bytes, { strict: true }).catch(String)));
    expect(together).toEqual(many.map(({ alone }) => alone));
    expect(new Set(together).size).toBe(cases.length);
  });
});

describe('decodeCrop', () => {
  it('gives the same pixels as decodePhoto', async () => {
    const bytes = await sharp(halves, raw).resize(96, 112).jpeg().toBuffer();
    const crop = await decodeCrop(bytes, { width: 96, height: 112 });
    expect(Buffer.from(crop.data).equals(Buffer.from((await decodePhoto(bytes)).data))).toBe(true);
  });

  it('replicates grey crops', async () => {
    const bytes = await sharp(halves, raw).greyscale().toColourspace('b-w').jpeg().toBuffer();
    expect((await decodeCrop(bytes, { width: 8, height: 4 })).data.length).toBe(96);
  });

  it('cuts 8 columns on either side of a 112×112 crop where 112×96 is wanted', async () => {
    const columns = Buffer.from(Uint8Array.from({ length: 112 * 112 * 3 }, (_, index) => Math.floor(index / 3) % 112));
    const bytes = await sharp(columns, { raw: { width: 112, height: 112, channels: 3 } })
      .png()
      .toBuffer();
    const cut = await decodeCrop(bytes, { width: 96, height: 112 });
    expect([cut.width, cut.height, cut.data.length]).toEqual([96, 112, 96 * 112 * 3]);
    for (const y of [0, 57, 111]) {
      expect(pixel(cut, 0, y)).toEqual([8, 8, 8]);
      expect(pixel(cut, 95, y)).toEqual([103, 103, 103]);
    }
  });

  it('refuses another size and says both', async () => {
    const bytes = await sharp(halves, raw).png().toBuffer();
    await expect(decodeCrop(bytes, { width: 96, height: 112 })).rejects.toThrow(
      /8 wide, 4 high\n\s*expected: 96 wide, 112 high/,
    );
  });
});
