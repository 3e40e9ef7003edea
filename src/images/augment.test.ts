import { describe, expect, it } from 'vitest';
import { publishedInput } from './input.js';
import { noAugmentation, writeInput } from './augment.js';

const spec = { ...publishedInput, width: 3, height: 2 };
/** Red holds the column, green the row, blue 100. */
const crop = Uint8Array.from([0, 1, 2, 3, 4, 5].flatMap((i) => [10 * (i % 3), 20 * Math.floor(i / 3), 100]));
const still = { mirrorDraw: 0.9, shiftDraw: [0.5, 0.5], lightDraw: [0.5, 0.5] } as const;
const scaled = (values: readonly number[]) => values.map((value) => Math.fround((value - 127.5) / 128));

function planes(...args: Parameters<typeof writeInput> extends [...infer A, unknown, unknown] ? A : never): number[][] {
  const target = new Float32Array(2 * 3 * 6).fill(9);
  writeInput(...args, target, 1);
  expect([...target.subarray(0, 18)]).toEqual(new Array(18).fill(9));
  return [0, 1, 2].map((plane) => [...target.subarray(18 + plane * 6, 24 + plane * 6)]);
}

describe('writeInput', () => {
  it('writes planes in the channel order of the model, scaled', () => {
    const [blue, green, red] = planes(crop, spec, noAugmentation, still);
    expect(blue).toEqual(scaled([100, 100, 100, 100, 100, 100]));
    expect(green).toEqual(scaled([0, 0, 0, 20, 20, 20]));
    expect(red).toEqual(scaled([0, 10, 20, 0, 10, 20]));
    expect(planes(crop, { ...spec, channelOrder: 'RGB' }, noAugmentation, still)[0]).toEqual(red);
  });

  it('mirrors when the draw says so', () => {
    const mirror = { ...noAugmentation, mirror: 0.5 };
    expect(planes(crop, spec, mirror, { ...still, mirrorDraw: 0.49 })[2]).toEqual(scaled([20, 10, 0, 20, 10, 0]));
    expect(planes(crop, spec, mirror, { ...still, mirrorDraw: 0.5 })[2]).toEqual(scaled([0, 10, 20, 0, 10, 20]));
  });

  it('shifts by whole pixels each way and fills with the mean', () => {
    const shift = { ...noAugmentation, shift: 1 };
    const red = (x: number, y: number, mirrorDraw = 0.9) =>
      planes(crop, spec, { ...shift, mirror: 0.5 }, { ...still, mirrorDraw, shiftDraw: [x, y] })[2];
    const [a, b, c] = scaled([0, 10, 20]);
    expect(red(0, 0.5)).toEqual([b, c, 0, b, c, 0]);
    expect(red(0.99, 0.5)).toEqual([0, a, b, 0, a, b]);
    expect(red(0.99, 0.5, 0)).toEqual([0, c, b, 0, c, b]);
    expect(red(0.5, 0)).toEqual([a, b, c, 0, 0, 0]);
    expect(red(0.5, 0.99)).toEqual([0, 0, 0, a, b, c]);
  });

  it('changes light within its bounds', () => {
    const light = { ...noAugmentation, light: 0.5 };
    // Contrast 1.5 about mid-grey and 64 brighter: 100 becomes 150.25; 0 becomes 0 and 255 stays 255.
    const [blue] = planes(crop, spec, light, { ...still, lightDraw: [1, 1] });
    expect(blue[0]).toBeCloseTo((150.25 - 127.5) / 128, 6);
  });
});
