// Ranks give the embeddings of one process, in its order.
import { expect, it } from 'vitest';
import { type Communicator, localGroup, oneProcess } from '../distributed/index.js';
import { encodePicture, memorySource } from '../images/index.js';
import { openModel } from '../models/index.js';
import { tinyCrop } from '../testing/tiny-crops.js';
import { tinyInput, tinyModel } from '../testing/tiny-model.js';
import { embedOnRanks } from './embed-on-ranks.js';

it('embeds the same in the same order on any number of ranks, failures included', async () => {
  const metadata = { input: tinyInput, embeddingSize: 2, recipe: 'test' };
  await using model = await openModel(tinyModel({ metadata }));
  const images = await Promise.all(
    Array.from({ length: 23 }, async (_, i) => ({
      file: `person/${i}.png`,
      bytes: i === 9 ? Uint8Array.of(1, 2, 3) : await encodePicture(tinyCrop(1, i)),
    })),
  );
  await using source = memorySource(images);
  const embedded = async (communicator: Communicator) => {
    const all = { indices: [] as number[], embeddings: [] as number[], failures: [] as string[] };
    for await (const batch of embedOnRanks(communicator, model, source, { batchSize: 4, flip: true })) {
      all.indices.push(...batch.indices);
      all.embeddings.push(...batch.embeddings);
      all.failures.push(...batch.failures.map(({ file }) => file));
    }
    return all;
  };
  const alone = await embedded(oneProcess);
  expect(alone.indices).toEqual([...Array(23).keys()].filter((i) => i !== 9));
  expect(alone.failures).toEqual(['person/9.png']);
  for (const size of [2, 4]) {
    expect(await Promise.all(localGroup(size).map(embedded))).toEqual(Array.from({ length: size }, () => alone));
  }
});
