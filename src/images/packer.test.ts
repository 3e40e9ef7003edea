// A network's input: planes, mirroring, shifts and light, bit for bit against the formula for any picture and convention.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Augmentation, type AugmentationDraws, noAugmentation, unvaried, variationOf } from './augmentation.js';
import { type InputSpec, publishedInput } from './input.js';
import { InputPacker } from './packer.js';

const spec = { ...publishedInput, width: 3, height: 2 };
/** Red holds the column, green the row, blue 100. */
const crop = Uint8Array.from([0, 1, 2, 3, 4, 5].flatMap((i) => [10 * (i % 3), 20 * Math.floor(i / 3), 100]));
const still: AugmentationDraws = { mirrorDraw: 0.9, shiftDraw: [0.5, 0.5], lightDraw: [0.5, 0.5] };
const scaled = (values: readonly number[]) => values.map((value) => Math.fround((value - 127.5) / 128));

function planes(input: InputSpec, augmentation: Augmentation, draws: AugmentationDraws): number[][] {
  const target = new Float32Array(2 * 3 * 6).fill(9);
  new InputPacker(input).write(crop, variationOf(augmentation, draws), target, 1);
  expect([...target.subarray(0, 18)]).toEqual(new Array(18).fill(9));
  return [0, 1, 2].map((plane) => [...target.subarray(18 + plane * 6, 24 + plane * 6)]);
}

describe('InputPacker', () => {
  it('writes planes in the channel order of the model, scaled', () => {
    const [blue, green, red] = planes(spec, noAugmentation, still);
    expect(blue).toEqual(scaled([100, 100, 100, 100, 100, 100]));
    expect(green).toEqual(scaled([0, 0, 0, 20, 20, 20]));
    expect(red).toEqual(scaled([0, 10, 20, 0, 10, 20]));
    expect(planes({ ...spec, channelOrder: 'RGB' }, noAugmentation, still)[0]).toEqual(red);
  });

  it('mirrors when the draw says so', () => {
    const mirror = { ...noAugmentation, mirror: 0.5 };
    expect(planes(spec, mirror, { ...still, mirrorDraw: 0.49 })[2]).toEqual(scaled([20, 10, 0, 20, 10, 0]));
    expect(planes(spec, mirror, { ...still, mirrorDraw: 0.5 })[2]).toEqual(scaled([0, 10, 20, 0, 10, 20]));
  });

  it('shifts by whole pixels each way and fills with the mean', () => {
    const shift = { ...noAugmentation, shift: 1 };
    const red = (x: number, y: number, mirrorDraw = 0.9) =>
      planes(spec, { ...shift, mirror: 0.5 }, { ...still, mirrorDraw, shiftDraw: [x, y] })[2];
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
    const [blue] = planes(spec, light, { ...still, lightDraw: [1, 1] });
    expect(blue[0]).toBeCloseTo((150.25 - 127.5) / 128, 6);
  });

  it('packs for inference what training writes without augmentation, mirrored or not', () => {
    const packer = new InputPacker(spec);
    const picture = { width: 3, height: 2, data: crop };
    const packed = new Float32Array(2 * packer.stride);
    packer.pack(
      [
        { picture, mirrored: false },
        { picture, mirrored: true },
      ],
      packed,
    );
    const written = new Float32Array(2 * packer.stride);
    packer.write(crop, variationOf(noAugmentation, still), written, 0);
    packer.write(crop, variationOf({ ...noAugmentation, mirror: 1 }, still), written, 1);
    expect(packed).toEqual(written);
    expect(() => packer.pack([{ picture: { ...picture, width: 2 }, mirrored: false }], packed)).toThrow(/2 wide/);
  });

  it('is bit for bit the formula, for any picture, convention and variation, whatever was written before', () => {
    const channel = fc.double({ min: 1, max: 255, noNaN: true });
    const triple = fc.tuple(channel, channel, channel);
    const drawn = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const variation = fc.record({
      augmentation: fc.record({
        mirror: fc.constantFrom(0, 0.5, 1),
        shift: fc.integer({ min: 0, max: 5 }),
        light: fc.constantFrom(0, 0.3),
      }),
      draws: fc.record({
        mirrorDraw: drawn,
        shiftDraw: fc.tuple(drawn, drawn),
        lightDraw: fc.tuple(drawn, drawn),
      }),
    });
    const convention = fc.record({
      width: fc.integer({ min: 1, max: 7 }),
      height: fc.integer({ min: 1, max: 7 }),
      channelOrder: fc.constantFrom('BGR' as const, 'RGB' as const),
      mean: triple,
      scale: triple,
      alignment: fc.constant(publishedInput.alignment),
    });
    fc.assert(
      fc.property(
        convention,
        fc.array(variation, { minLength: 1, maxLength: 3 }),
        fc.infiniteStream(fc.nat(255)),
        (input, variations, stream) => {
          const packer = new InputPacker(input);
          const target = new Float32Array(packer.stride * variations.length).fill(NaN);
          for (const [slot, { augmentation, draws }] of variations.entries()) {
            const pixels = Uint8Array.from({ length: packer.stride }, () => stream.next().value as number);
            const change = variationOf(augmentation, draws);
            packer.write(pixels, change, target, slot);
            const expected = plainly(pixels, input, change);
            expect(target.subarray(slot * packer.stride, (slot + 1) * packer.stride)).toEqual(expected);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** The input by its definition, a value at a time. */
function plainly(pixels: Uint8Array, input: InputSpec, change: typeof unvaried): Float32Array {
  const { width, height } = input;
  return Float32Array.from({ length: 3 * height * width }, (_, at) => {
    const [plane, y, x] = [Math.floor(at / (height * width)), Math.floor(at / width) % height, at % width];
    const [fromY, shifted] = [y - change.shiftY, x - change.shiftX];
    if (fromY < 0 || fromY >= height || shifted < 0 || shifted >= width) return 0;
    const fromX = change.mirrored ? width - 1 - shifted : shifted;
    const pixel = pixels[(fromY * width + fromX) * 3 + (input.channelOrder === 'RGB' ? plane : 2 - plane)];
    const lit = Math.min(255, Math.max(0, (pixel - 127.5) * change.gain + 127.5 + change.offset));
    return (lit - input.mean[plane]) / input.scale[plane];
  });
}
