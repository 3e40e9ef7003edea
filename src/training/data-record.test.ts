import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { ImageSource } from '../images/index.js';
import { assertUsable } from './data-record.js';
import { datasetOf } from './dataset.js';
import { loadRecipe } from './recipe-file.js';

/** Two people with one image each. */
const sourceOf = (read: ImageSource['read']): ImageSource => ({
  entries: ['a', 'b'].map((identity) => ({ identity, file: `${identity}/1.jpg` })),
  read,
  dispose: () => Promise.resolve(),
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

describe('data of which no image can be used', () => {
  const refusal = async (read: ImageSource['read']): Promise<string> =>
    assertUsable(datasetOf(sourceOf(read)), await loadRecipe('sphereface-m4')).then(
      () => 'none',
      (error: unknown) => String(error),
    );

  it('are refused with advice on what is wrong with them', async () => {
    expect(await refusal(() => Promise.reject(new Error("ENOENT: no such file, open 'a/1.jpg'")))).toMatch(
      /a\/1.jpg: ENOENT[^]*next: see that the files are there/,
    );
    expect(await refusal(() => Promise.resolve(Buffer.from([0xff, 0xd8, 0xff])))).toMatch(/next: copy or download/);
    const small = sharp({ create: { width: 9, height: 9, channels: 3, background: 'teal' } });
    const bytes = await small.png().toBuffer();
    expect(await refusal(() => Promise.resolve(bytes))).toMatch(/9 wide[^]*next: make crops of this size/);
  });
});
