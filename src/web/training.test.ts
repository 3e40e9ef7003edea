// What training in a browser refuses; that it learns is seen in a browser (bundlers.test.ts).
import { describe, expect, it } from 'vitest';
import { UsageError } from '../common/errors.js';
import { builtInRecipe } from '../training/index.js';
import { decodePicture, pageRecipe, type Person, trainModel } from './index.js';

/** People of some pictures of noise, of any size. */
function people(width: number, height: number): Person[] {
  return ['a', 'b'].map((name, person) => ({
    name,
    crops: [0, 1].map((k) => ({
      width,
      height,
      data: Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * (7 + k) + person * 50) % 251),
    })),
  }));
}

describe('trainModel', () => {
  it.each([
    ['a recipe that starts from a model', { recipe: builtInRecipe('sphereface-plus-m4-small') }, /fine-tune/],
    ['more held out than trained on', { heldOut: 0.6 }, /got: 0.6\n.*0 to 0.5/],
  ])('refuses %s', async (_, options, message) => {
    const failure = await trainModel(people(96, 112), options).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect(String(failure)).toMatch(message);
  });

  it('refuses one person, pictures of another size, and to stop before it has begun', async () => {
    await expect(trainModel(people(96, 112).slice(1))).rejects.toThrow(/too few identities/);
    await expect(trainModel(people(48, 56), { recipe: pageRecipe(2) })).rejects.toThrow(
      /None of the images can be read/,
    );
    await expect(trainModel(people(96, 112), { signal: AbortSignal.abort() })).rejects.toThrow(/before its first step/);
  });
});

describe('decodePicture', () => {
  it('takes pixels as a canvas gives them', async () => {
    const data = Uint8ClampedArray.of(10, 20, 30, 255, 40, 50, 60, 255);
    const picture = await decodePicture({ width: 2, height: 1, data });
    expect(picture).toEqual({ width: 2, height: 1, data: Uint8Array.of(10, 20, 30, 40, 50, 60) });
  });
});
