// Faces grouped into people, against average linkage by its definition.
import { describe, expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { cosine } from '../../evaluation/metrics/cosine.js';
import { groupFaces } from './grouping.js';

/** Faces of a few people: a direction each, with noise. */
function facesOf(people: readonly number[], noise: number): Float32Array[] {
  const random = new Random(3);
  const directions = new Map(
    [...new Set(people)].map((person) => [person, Float32Array.from({ length: 16 }, () => random.gaussian())]),
  );
  return people.map((person) => directions.get(person)!.map((value) => value + noise * random.gaussian()));
}

/** The same by its definition: look at all pairs of groups, join the most alike, again and again. */
function byDefinition(embeddings: readonly Float32Array[], threshold: number): number[][] {
  const groups = embeddings.map((_, face) => [face]);
  for (;;) {
    let [best, from, to] = [threshold, -1, -1];
    for (let a = 0; a < groups.length; a++) {
      for (let b = a + 1; b < groups.length; b++) {
        const pairs = groups[a].flatMap((i) => groups[b].map((j) => cosine(embeddings[i], embeddings[j])));
        const mean = pairs.reduce((sum, value) => sum + value, 0) / pairs.length;
        if (mean > best) [best, to, from] = [mean, a, b];
      }
    }
    if (from < 0) return groups.map((group) => group.sort((a, b) => a - b));
    groups[to].push(...groups.splice(from, 1)[0]);
  }
}

const sorted = (groups: readonly (readonly number[])[]) => groups.map((group) => group.join()).sort();

describe('groupFaces', () => {
  it('finds the people, the one of most faces first', () => {
    expect(groupFaces(facesOf([0, 1, 1, 2, 1, 0], 0.1), 0.6)).toEqual([[1, 2, 4], [0, 5], [3]]);
  });

  it.each([0.1, 0.3, 0.5, 0.7])('is average linkage down to %f', (threshold) => {
    const faces = facesOf([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 0, 4, 5, 0, 1, 2, 3], 0.8);
    expect(sorted(groupFaces(faces, threshold))).toEqual(sorted(byDefinition(faces, threshold)));
  });

  it('takes no faces, and one', () => {
    expect(groupFaces([], 0.5)).toEqual([]);
    expect(groupFaces(facesOf([0], 0), 0.5)).toEqual([[0]]);
  });
});
