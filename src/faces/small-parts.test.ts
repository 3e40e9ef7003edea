// Choosing the face, crop names, detection lines: the small rules that others rely on.
import { describe, expect, it } from 'vitest';
import { chooseFace } from './choose.js';
import { cropNames, plainPath } from './crop-names.js';
import { type Face, intersectionOverUnion, type Landmarks } from './geometry.js';
import { parseOwnManifest } from './manifest.js';
import { formatDetection, isUnreadable, parseDetection } from './records.js';

const landmarks: Landmarks = [
  [1, 1],
  [3, 1],
  [2, 2],
  [1, 3],
  [3, 3],
];
const face = (x1: number, y1: number, x2: number, y2: number): Face => ({
  box: [x1, y1, x2, y2],
  score: 0.9,
  landmarks,
});

describe('chooseFace', () => {
  const picture = { width: 200, height: 100 };
  const center = face(89, 39, 109, 59);
  const large = face(0, 0, 79, 79);
  const largeNearCenter = face(60, 10, 130, 80);

  it('takes the one nearest the centre, whatever its size (published)', () => {
    expect(chooseFace([large, center, largeNearCenter], picture, 'nearest-center')).toBe(1);
  });

  it('measures from pixel n / 2 counted from 1, as the published code does', () => {
    // Boxes around 0-based 99 and 100: the centre of 200 pixels is 99 (100 counted from 1).
    expect(chooseFace([face(95, 44, 105, 54), face(94, 44, 104, 54)], picture, 'nearest-center')).toBe(1);
  });

  it('takes the largest, or weighs size against distance', () => {
    expect(chooseFace([center, large, largeNearCenter], picture, 'largest')).toBe(1);
    expect(chooseFace([center, large, largeNearCenter], picture, 'center-weighted')).toBe(2);
  });

  it('is undefined without a face', () => {
    expect(chooseFace([], picture, 'largest')).toBeUndefined();
  });
});

describe('intersectionOverUnion', () => {
  it('counts pixels', () => {
    expect(intersectionOverUnion([0, 0, 9, 9], [0, 0, 9, 9])).toBe(1);
    expect(intersectionOverUnion([0, 0, 9, 9], [5, 0, 14, 9])).toBeCloseTo(50 / 150, 12);
    expect(intersectionOverUnion([0, 0, 9, 9], [10, 0, 19, 9])).toBe(0);
  });
});

describe('cropNames', () => {
  const options = { extension: 'jpg', layout: 'path', caseSensitive: false } as const;
  const entry = (file: string, identity = file.split('/')[0]) => ({ file, identity });

  it('keeps the tree and changes the extension', () => {
    expect(cropNames([entry('ann/1.png'), entry('bob/deep/2.jpeg')], options)).toEqual(['ann/1.jpg', 'bob/deep/2.jpg']);
  });

  it('keeps photos apart that would share a name', () => {
    const names = cropNames([entry('ann/1.png'), entry('ann/1.jpg'), entry('ann/A.jpg'), entry('ann/a.jpg')], options);
    expect(new Set(names.map((name) => name?.toLowerCase())).size).toBe(4);
    expect(names.slice(0, 3)).toEqual(['ann/1.png.jpg', 'ann/1.jpg', 'ann/A.jpg']);
    expect(names[3]).toMatch(/^ann\/a~[0-9a-f]{8}\.jpg$/);
  });

  it('keeps the names of people apart that differ in case only, where the disk does', () => {
    const names = cropNames([entry('Ann/1.jpg'), entry('ann/1.jpg')], { ...options, caseSensitive: true });
    expect(names).toEqual(['Ann/1.jpg', 'ann/1.jpg']);
  });

  it('gives way to a folder of that name', () => {
    expect(cropNames([entry('ann/1.jpg/2.png'), entry('ann/1.png')], options)).toEqual([
      'ann/1.jpg/2.jpg',
      'ann/1.png.jpg',
    ]);
  });

  it('cuts names that would become too long for a file system, the same way each time, and keeps them apart', () => {
    const entries = [entry(`ann/${'ü'.repeat(124)}.png`), entry(`ann/${'ü'.repeat(123)}x.png`), entry('ann/1.png')];
    const names = cropNames(entries, options);
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(Buffer.byteLength(name!.slice(4))).toBeLessThanOrEqual(250);
    expect(cropNames(entries.slice(1), options)).toEqual(names.slice(1));
    expect(names[0]).toMatch(/^ann\/ü+~[0-9a-f]{8}\.jpg$/);
  });

  it('replaces control characters, and keeps what differs in them alone apart', () => {
    const names = cropNames(
      [entry('ann/a\tb.png'), entry('ann/a\nb.png'), entry('e\x1b/1.png'), entry('e_/1.png')],
      options,
    );
    expect(names[0]).toMatch(/^ann\/a_b~[0-9a-f]{8}\.jpg$/);
    expect(names[1]).toMatch(/^ann\/a_b~[0-9a-f]{8}\.jpg$/);
    expect(names[2]).toMatch(/^e_~[0-9a-f]{8}\/1\.jpg$/);
    expect(new Set(names).size).toBe(4);
    expect(plainPath(entry('ann/a\tb.png'), options)).not.toBe(names[0]);
  });

  it('makes a folder for each identity where it is told so', () => {
    const names = cropNames([entry('ann_1.png', 'ann'), entry('x/ann_1.png', 'ann')], {
      ...options,
      layout: 'identity',
    });
    expect(names[0]).toBe('ann/ann_1.png.jpg');
    expect(names[1]).toMatch(/^ann\/ann_1\.png~[0-9a-f]{8}\.jpg$/);
  });

  it('never leads out of the folder', () => {
    const names = cropNames(
      [
        entry('/etc/passwd.jpg', 'ann'),
        entry('../../up.jpg', 'bob'),
        entry('x/1.jpg', '..'),
        entry('../y.jpg', '../..'),
      ],
      options,
    );
    expect(names).toEqual(['ann/passwd.jpg', 'bob/up.jpg', 'x/1.jpg', undefined]);
  });
});

describe('detection lines', () => {
  const detection = { file: 'a/1.jpg', width: 10, height: 20, faces: [face(0.12345, 1, 2, 3)], chosen: 0 };

  it('are the documented JSON, to a thousandth of a pixel', () => {
    expect(JSON.parse(formatDetection(detection))).toEqual({
      file: 'a/1.jpg',
      width: 10,
      height: 20,
      faces: [
        {
          box: [0.123, 1, 2, 3],
          score: 0.9,
          landmarks: [
            [1, 1],
            [3, 1],
            [2, 2],
            [1, 3],
            [3, 3],
          ],
        },
      ],
      chosen: 0,
    });
  });

  it('say how the photo lies, and that it is damaged, only where it is so', () => {
    const turned = { ...detection, rotation: 90 as const, damaged: true as const };
    expect(JSON.parse(formatDetection(turned))).toMatchObject({ rotation: 90, damaged: true });
    expect(parseDetection(formatDetection(turned), 1)).toMatchObject({ rotation: 90, damaged: true });
    expect(formatDetection(detection)).not.toMatch(/rotation|damaged/);
    expect(() => parseDetection(formatDetection(turned).replace('90', '45'), 3)).toThrow(/Line 3/);
  });

  it('come back as they were', () => {
    const none = { file: 'b', width: 1, height: 1, faces: [], chosen: null };
    const broken = { file: 'c', error: 'The image file is empty.' };
    expect(parseDetection(formatDetection(none), 1)).toEqual(none);
    expect(parseDetection(`\uFEFF${formatDetection(none)}`, 1)).toEqual(none);
    expect(parseOwnManifest('\uFEFF{"alignment":{}}', 'crops')).toEqual({ alignment: {} });
    const read = parseDetection(formatDetection(broken), 2);
    expect(isUnreadable(read) && read.error).toBe(broken.error);
  });

  it.each([
    ['no JSON', '{"file":'],
    ['no landmarks', '{"file":"a","width":1,"height":1,"faces":[{"box":[0,0,1,1],"score":1}],"chosen":0}'],
    ['a chosen face that is not there', '{"file":"a","width":1,"height":1,"faces":[],"chosen":0}'],
    ['no file', '{"width":1,"height":1,"faces":[],"chosen":null}'],
  ])('are refused with their number: %s', (_, line) => {
    expect(() => parseDetection(line, 17)).toThrow(/Line 17/);
  });
});
