// A gallery's rows and its search against plain cosines, for every type of row and every score of an identity.
import { describe, expect, it } from 'vitest';
import { Random } from '../../../common/random.js';
import { cosine } from '../../../evaluation/index.js';
import { Contents } from './contents.js';
import { blockRows, Rows, rowTypes } from './rows.js';
import { highest, identityScores, Search } from './search.js';

const width = 6;
const random = new Random(4);
const embedding = (): Float32Array => Float32Array.from({ length: width }, () => random.gaussian());
const unit = (values: Float32Array): Float32Array => {
  const length = Math.hypot(...values);
  return values.map((value) => value / length);
};

describe.each(rowTypes)('rows of %s', (type) => {
  it('keep what was appended, across blocks, and what is left after some were taken out', () => {
    const rows = new Rows(width, type);
    const all = Array.from({ length: 2 * blockRows + 5 }, embedding);
    for (const values of all) rows.append(values);
    const stays = (row: number): boolean => row % 3 !== 1;
    rows.filter(stays);
    const left = all.filter((_, row) => stays(row));
    expect(rows.count).toBe(left.length);
    for (const row of [0, 1, blockRows - 1, blockRows, left.length - 1]) {
      expect(cosine(rows.row(row), left[row]!)).toBeGreaterThan(1 - 1e-6);
      expect(Math.hypot(...rows.row(row))).toBeCloseTo(1, type === 'float32' ? 6 : 3);
    }
    rows.append(all[0]!);
    expect(cosine(rows.row(left.length), all[0]!)).toBeGreaterThan(1 - 1e-6);
  });

  it('are the same again when they are filled in block by block', () => {
    const [rows, copy] = [new Rows(width, type), new Rows(width, type)];
    for (let i = 0; i < blockRows + 50; i++) rows.append(embedding());
    for (const { rows: count, data } of rows.chunks()) copy.extend(count).set(data);
    expect(copy.count).toBe(rows.count);
    for (const row of [0, 15, 16, 17, blockRows - 1, blockRows, blockRows + 49]) {
      expect(copy.row(row)).toEqual(rows.row(row));
    }
    expect(() => copy.extend(blockRows)).toThrow(RangeError);
  });

  it('refuse embeddings without a direction or of another width', () => {
    const rows = new Rows(width, type);
    const bad = [new Float32Array(width), new Float32Array(width).fill(NaN), new Float32Array(width - 1).fill(1)];
    for (const values of bad) expect(() => rows.append(values)).toThrow(/cannot be kept/);
    expect(rows.count).toBe(0);
  });
});

describe.each(identityScores)('search by the %s score', (score) => {
  it.each(rowTypes)('finds what plain cosines give: %s', async (type) => {
    const contents = new Contents(width, type);
    const photos = Array.from({ length: blockRows + 300 }, () => ({
      identity: `person ${random.integer(40)}`,
      values: embedding(),
    }));
    for (const { identity, values } of photos) contents.add({ identity, file: '', stamp: undefined }, values);
    const probes = Array.from({ length: 3 }, () => unit(embedding()));
    const { names, rows } = contents.identities;
    await using search = await Search.create(width, type);
    const flat = Float32Array.from(probes.flatMap((probe) => [...probe]));
    const skip = (probe: number, identity: number): boolean => probe === 1 && names[identity] === 'person 3';
    const results = await search.scores(flat, contents.rows, rows, score, skip);
    for (const [k, probe] of probes.entries()) {
      const sums = new Map<string, number[]>();
      for (const { identity, values } of photos) {
        sums.set(identity, [...(sums.get(identity) ?? []), cosine(probe, values)]);
      }
      for (const [identity, cosines] of sums) {
        const expected = score === 'best' ? Math.max(...cosines) : cosines.reduce((a, b) => a + b, 0) / cosines.length;
        const got = results[k]![names.indexOf(identity)]!;
        if (k === 1 && identity === 'person 3') expect(got).toBe(-Infinity);
        else expect(Math.abs(got - expected)).toBeLessThan(type === 'float32' ? 1e-5 : 2e-3);
      }
    }
  });
});

describe('the highest scores', () => {
  it('are in order, equal ones by number, those left out never', () => {
    const scores = Float32Array.of(0.5, -Infinity, 0.75, 0.5, -0.25, 0.75);
    expect(highest(scores, 4).map(({ index }) => index)).toEqual([2, 5, 0, 3]);
    expect(highest(scores, 9).map(({ index }) => index)).toEqual([2, 5, 0, 3, 4]);
  });
});
