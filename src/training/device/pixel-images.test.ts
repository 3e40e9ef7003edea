// Images prepared in the step's graph are those that the packer makes on the host.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { Graph, serialize } from '../../graph/index.js';
import { type Augmentation, type InputSpec, publishedInput, variationOf } from '../../images/index.js';
import { float32Data, Session } from '../../runtime/index.js';
import { PackedImages } from '../batch-images.js';
import { imagesFromPixels, PixelImages } from './pixel-images.js';

const count = 5;

/** Both forms of the same crops with the same variations. */
async function bothForms(input: InputSpec, augmentation: Augmentation, seed: number) {
  const random = new Random(seed);
  const [packed, pixels] = [new PackedImages(input, count), new PixelImages(input, augmentation, count)];
  for (let slot = 0; slot < count; slot++) {
    const crop = Uint8Array.from({ length: input.width * input.height * 3 }, () => random.integer(256));
    const draw = () => random.uniform();
    const variation = variationOf(augmentation, {
      mirrorDraw: draw(),
      shiftDraw: [draw(), draw()],
      lightDraw: [draw(), draw()],
    });
    packed.write(crop, variation, slot);
    pixels.write(crop, variation, slot);
  }
  const graph = new Graph();
  const images = imagesFromPixels(graph, input, augmentation, count);
  // The form for WebGPU; the CPU knows all its operators.
  const model = serialize(graph, { outputs: { images }, target: { device: 'webgpu' } });
  await using session = await Session.create(model, { threads: 1 });
  const outputs = await session.run(pixels.feeds);
  expect(outputs.images.dims).toEqual(packed.feeds.images.dims);
  return { expected: float32Data(packed.feeds.images), actual: float32Data(outputs.images) };
}

const level = fc.integer({ min: 1, max: 255 });
const scales = fc.tuple(level, level, level);
const inputs: fc.Arbitrary<InputSpec> = fc.record({
  width: fc.integer({ min: 1, max: 9 }),
  height: fc.integer({ min: 1, max: 9 }),
  channelOrder: fc.constantFrom('BGR', 'RGB'),
  mean: scales,
  scale: scales,
  alignment: fc.constant(publishedInput.alignment),
});
const augmentations: fc.Arbitrary<Augmentation> = fc.record({
  mirror: fc.constantFrom(0, 0.5, 1),
  // Also shifts by more than the picture.
  shift: fc.constantFrom(0, 2, 12),
  light: fc.constantFrom(0, 0.4),
});

it('are the same to float32 rounding, whatever the input convention and the variation', async () => {
  await fc.assert(
    fc.asyncProperty(inputs, augmentations, fc.nat(), async (input, augmentation, seed) => {
      const { expected, actual } = await bothForms(input, augmentation, seed);
      // A pixel value up to 255, rounded a few times, over a scale of at least 1.
      const bound = (255 * 2 ** -22) / Math.min(...input.scale);
      const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i])), 0);
      expect(worst).toBeLessThan(bound);
    }),
    { numRuns: 60 },
  );
});

it('are the same bits for the published input, mirrored', async () => {
  const { expected, actual } = await bothForms(publishedInput, { mirror: 0.5, shift: 0, light: 0 }, 1);
  expect(Buffer.compare(Buffer.from(actual.buffer), Buffer.from(expected.buffer))).toBe(0);
});
