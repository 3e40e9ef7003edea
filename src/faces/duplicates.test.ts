// The same picture is found despite another compression; different pictures are kept apart.
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { Random } from '../common/random.js';
import { decodePhoto } from '../images/decode.js';
import { memorySource } from '../images/formats/memory.js';
import type { OpenedSource, Picture } from '../images/source.js';
import { fingerprint, groupEqual, isSamePicture } from './duplicates.js';
import { listIdentities } from './identity-list.js';

/** A smooth random picture: a few overlaid waves. */
function scene(seed: number, width = 96, height = 112): Picture {
  const random = new Random(seed);
  const waves = Array.from({ length: 6 }, () => [0, 0, 0, 0].map(() => random.between(-0.15, 0.15)));
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let k = 0; k < 3; k++) {
        const value = waves.reduce((sum, [a, b, c, d]) => sum + Math.sin(a * x + b * y + 40 * c + 9 * d * k), 0);
        data[(y * width + x) * 3 + k] = 127 + 20 * value;
      }
    }
  }
  return { width, height, data };
}

const encode = ({ width, height, data }: Picture, quality: number) =>
  sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();

describe('fingerprint', () => {
  it('survives recompression, and tells pictures apart', async () => {
    const scenes = Array.from({ length: 12 }, (_, i) => scene(i));
    const prints = scenes.map(fingerprint);
    for (const [i, picture] of scenes.entries()) {
      const again = fingerprint(await decodePhoto(await encode(picture, 60)));
      for (const [j, print] of prints.entries()) expect(isSamePicture(print, again)).toBe(i === j);
    }
  });

  it('groups equal pictures, and skips unreadable ones', () => {
    const [a, b, c] = [scene(1), scene(2), scene(3)].map(fingerprint);
    expect(groupEqual([a, b, undefined, a, c, b, a])).toEqual([
      [0, 3, 6],
      [1, 5],
    ]);
    expect(groupEqual([])).toEqual([]);
  });
});

describe('listIdentities', () => {
  const source = (files: Readonly<Record<string, Uint8Array>>): OpenedSource =>
    memorySource(
      Object.keys(files)
        .sort()
        .map((file) => ({ file, bytes: files[file] })),
    );

  it('labels sorted identities from 0 and reports what is suspicious', async () => {
    const [one, two, three] = [scene(1), scene(2), scene(3)];
    const files = {
      'zoe/1.jpg': await encode(one, 95),
      'ann/1.jpg': await encode(two, 95),
      'ann/2.jpg': await encode(two, 95),
      'bob/1.jpg': await encode(one, 70),
      'bob/2.jpg': await encode(three, 95),
      'bob/3.jpg': Buffer.from('no image'),
      'eve/1.jpg': await encode(scene(4), 95),
    };
    const list = await listIdentities({ source: source(files), exclude: ['eve', 'nobody'], minImages: 2 });
    expect(list.lines).toEqual([
      'ann/1.jpg 0',
      'ann/2.jpg 0',
      'bob/1.jpg 1',
      'bob/2.jpg 1',
      'bob/3.jpg 1',
      'zoe/1.jpg 2',
    ]);
    expect(list.identities).toEqual(['ann', 'bob', 'zoe']);
    expect(list.excluded).toEqual(['eve']);
    expect(list.notFound).toEqual(['nobody']);
    expect(list.small).toEqual([{ identity: 'zoe', images: 1 }]);
    expect(list.duplicates).toEqual([
      { same: 'file', files: ['ann/1.jpg', 'ann/2.jpg'], identities: ['ann'] },
      { same: 'picture', files: ['bob/1.jpg', 'zoe/1.jpg'], identities: ['bob', 'zoe'] },
    ]);
    expect(list.unreadable.map(({ file }) => file)).toEqual(['bob/3.jpg']);
  });

  it('leaves small identities out when told to', async () => {
    const files = {
      'ann/1.jpg': await encode(scene(1), 90),
      'bob/1.jpg': await encode(scene(2), 90),
      'bob/2.jpg': await encode(scene(3), 90),
    };
    const list = await listIdentities({ source: source(files), minImages: 2, dropSmall: true });
    expect(list.lines).toEqual(['bob/1.jpg 0', 'bob/2.jpg 0']);
  });
});
