// Random losses of quality: how often, how much, always the same for the same draws, and what they do to a crop.
import { describe, expect, it } from 'vitest';
import { Random } from '../common/random.js';
import { type Degradation, degradationOf, type DegradationOptions, degraded, isLossless } from './degradation.js';
import { throughJpeg } from './encode.js';
import type { Picture } from './source.js';

const none: DegradationOptions = { lowResolution: null, jpeg: null, cutOut: null };
const all: DegradationOptions = {
  lowResolution: { chance: 0.3, factor: 4 },
  jpeg: { chance: 0.5, quality: 20 },
  cutOut: { chance: 0.4, side: 0.5 },
};
const size = { width: 96, height: 112 };

function drawn(options: DegradationOptions, count = 4000): Degradation[] {
  const random = new Random(5);
  return Array.from({ length: count }, () =>
    degradationOf(options, { lightDraw: [random.uniform(), random.uniform()] }, size),
  );
}

const noise: Picture = (() => {
  const random = new Random(8);
  return { ...size, data: Buffer.from(Array.from({ length: 96 * 112 * 3 }, () => random.integer(256))) };
})();

describe('the losses of an image', () => {
  it('come as often and as strong as the options say', () => {
    const losses = drawn(all);
    const share = (of: keyof Degradation): number => losses.filter((loss) => loss[of] !== undefined).length / 4000;
    // Three standard deviations of a share of 4,000 are below 0.024.
    expect(Math.abs(share('resolution') - 0.3)).toBeLessThan(0.024);
    expect(Math.abs(share('quality') - 0.5)).toBeLessThan(0.024);
    expect(Math.abs(share('hole') - 0.4)).toBeLessThan(0.024);
    const widths = losses.flatMap(({ resolution }) => (resolution === undefined ? [] : [resolution.width]));
    expect([Math.min(...widths), Math.max(...widths)]).toEqual([24, 96]);
    // Every ratio is as likely: half of them are below 2.
    expect(Math.abs(widths.filter((width) => width > 48).length / widths.length - 0.5)).toBeLessThan(0.05);
    const qualities = losses.flatMap(({ quality }) => (quality === undefined ? [] : [quality]));
    expect([Math.min(...qualities), Math.max(...qualities)]).toEqual([20, 95]);
    for (const { hole } of losses) {
      if (hole === undefined) continue;
      expect(hole.left).toBeGreaterThanOrEqual(0);
      expect(hole.right).toBeLessThanOrEqual(96);
      expect(hole.right - hole.left).toBeLessThanOrEqual(49);
      expect(hole.bottom - hole.top).toBeLessThanOrEqual(57);
    }
  });

  it('of one kind do not depend on whether there are others', () => {
    const only = drawn({ ...none, cutOut: all.cutOut }, 50).map(({ hole }) => hole);
    expect(drawn(all, 50).map(({ hole }) => hole)).toEqual(only);
    expect(only.some((hole) => hole !== undefined)).toBe(true);
  });

  it('are none where there are no options', () => {
    expect([none, all].map(isLossless)).toEqual([true, false]);
    for (const loss of drawn(none, 50)) {
      expect(loss).toEqual({ resolution: undefined, quality: undefined, hole: undefined });
    }
  });
});

describe('a degraded crop', () => {
  const whole: Degradation = { resolution: undefined, quality: undefined, hole: undefined };

  it('is the crop itself without losses', async () => {
    expect(await degraded(noise, whole, throughJpeg)).toBe(noise);
  });

  it('is grey in its hole and unchanged beside it', async () => {
    const before = Uint8Array.from(noise.data);
    const { data } = await degraded(noise, { ...whole, hole: { left: 10, right: 30, top: 5, bottom: 9 } }, undefined);
    for (let y = 0; y < 112; y++) {
      for (let x = 0; x < 96; x++) {
        const inside = x >= 10 && x < 30 && y >= 5 && y < 9;
        const at = (y * 96 + x) * 3;
        const expected = inside ? [128, 128, 128] : [...before.subarray(at, at + 3)];
        expect([...data.subarray(at, at + 3)]).toEqual(expected);
      }
    }
    expect(Uint8Array.from(noise.data)).toEqual(before);
  });

  it('loses more the lower its quality and its resolution', async () => {
    const distance = async (loss: Partial<Degradation>): Promise<number> => {
      const { data } = await degraded(noise, { ...whole, ...loss }, throughJpeg);
      return Math.sqrt(data.reduce((sum, value, i) => sum + (value - noise.data[i]) ** 2, 0) / data.length);
    };
    const [fine, coarse] = [await distance({ quality: 95 }), await distance({ quality: 20 })];
    expect(coarse).toBeGreaterThan(fine);
    const [large, small] = [
      await distance({ resolution: { width: 72, height: 84 } }),
      await distance({ resolution: { width: 24, height: 28 } }),
    ];
    expect(small).toBeGreaterThan(large);
    expect(fine).toBeGreaterThan(0);
    expect(large).toBeGreaterThan(0);
  });
});
