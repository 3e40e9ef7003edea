// Which identities and images of a source a run uses.
import { describe, expect, it } from 'vitest';
import type { ImageSource } from '../images/index.js';
import { datasetOf } from './dataset.js';
import { wholeSource } from './labelled-images.js';
import type { DataSelection } from './recipe-sections.js';

/** Ten identities with 3, 4, …, 12 images; the entries in an order of their own. */
function source(reversed: boolean): ImageSource {
  const entries = Array.from({ length: 10 }, (_, person) =>
    Array.from({ length: person + 3 }, (_, i) => ({
      identity: `p${person}`,
      file: `p${person}/${String(i).padStart(2, '0')}.jpg`,
    })),
  ).flat();
  if (reversed) entries.reverse();
  return {
    entries,
    read: () => Promise.reject(new Error('not read')),
    dispose: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function select(subset: Partial<DataSelection['subset']>, minimumImages = 1, reversed = false) {
  const dataset = datasetOf(source(reversed), { minimumImages, subset: { ...wholeSource.subset, ...subset } });
  const counts = dataset.identities.map((_, label) => dataset.labels.filter((other) => other === label).length);
  return { ...dataset, counts, files: dataset.source.entries.map(({ file }) => file) };
}

describe('datasetOf', () => {
  it('takes everything by default', () => {
    expect(select({}).counts).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(datasetOf(source(false)).labels).toHaveLength(75);
  });

  it('draws identities, the same whatever the order of the source, and others for another seed', () => {
    const few = select({ identities: 4 });
    expect(few.identities).toHaveLength(4);
    expect([...few.identities]).toEqual([...few.identities].sort());
    expect(select({ identities: 4 }, 1, true).files).toEqual(few.files);
    expect(select({ identities: 4, seed: 2 }).identities).not.toEqual(few.identities);
    expect(select({ identities: 40 }).identities).toHaveLength(10);
    // Left out are only those with too few images.
    expect(few.leftOut).toBe(0);
    expect(select({ identities: 4 }, 6).leftOut).toBe(3);
    // An image in no identity's folder is no identity that is left out.
    const all = source(false);
    const strayed = { ...all, entries: [...all.entries, { identity: '', file: 'cover.jpg' }] };
    expect(datasetOf(strayed)).toMatchObject({ leftOut: 0, identities: { length: 10 } });
  });

  it('limits the images of an identity, drawn at random', () => {
    const few = select({ maximumImages: 5 });
    expect(few.counts).toEqual([3, 4, 5, 5, 5, 5, 5, 5, 5, 5]);
    expect(few.files).toEqual([...few.files].sort());
    expect(select({ maximumImages: 5 }, 1, true).files).toEqual(few.files);
    expect(few.files.filter((file) => file.startsWith('p9'))).not.toEqual(
      Array.from({ length: 5 }, (_, i) => `p9/0${i}.jpg`),
    );
  });

  it('makes a share of the identities scarce', () => {
    const { counts } = select({ scarce: { share: 0.5, images: 2 } });
    expect(counts.filter((count) => count === 2)).toHaveLength(5);
    for (const [person, count] of counts.entries()) expect([2, person + 3]).toContain(count);
    expect(select({ scarce: { share: 0.5, images: 20 }, maximumImages: 4 }).counts.slice(1)).toEqual(Array(9).fill(4));
  });

  it('says what to do when too few identities are left', () => {
    expect(() => select({ identities: 1 })).toThrow(/too few identities[^]*data\.subset\.identities/);
  });
});
