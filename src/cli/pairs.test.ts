// The pairs command: what is drawn, that evaluate reads it, folds without common people, hard pairs by the model's definition.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePairs } from '../evaluation/index.js';
import { writeModel } from '../models/index.js';
import { runCommand } from '../testing/command.js';
import { tinyEmbedding, tinyInput, tinyModel } from '../testing/tiny-model.js';
import { registerPairs } from './pairs.js';

const crops = new Map<string, Uint8Array>();
for (let i = 0; i < 24; i++) {
  const data = Uint8Array.from({ length: 18 }, (_, pixel) => (pixel * 53 + i * i * 37) % 256);
  crops.set(`person ${Math.floor(i / 4)}/${i % 4}.png`, data);
}

let scratch: string;
let aligned: string;
let model: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-pairs-'));
  aligned = join(scratch, 'aligned');
  model = join(scratch, 'model.onnx');
  await writeModel(model, tinyModel({ metadata: { input: tinyInput, embeddingSize: 2 } }));
  for (const [file, data] of crops) {
    await mkdir(join(aligned, file, '..'), { recursive: true });
    await sharp(data, { raw: { width: 3, height: 2, channels: 3 } }).toFile(join(aligned, file));
  }
});

afterAll(() => rm(scratch, { recursive: true }));

async function draw(name: string, ...args: string[]) {
  const output = join(scratch, name);
  const run = await runCommand(registerPairs, ['pairs', aligned, '-o', output, '--json', ...args]);
  if (run.error !== undefined) throw run.error;
  const text = await readFile(output, 'utf8');
  return {
    ...parsePairs(text, name),
    text,
    stderr: run.stderr,
    result: JSON.parse(run.stdout) as Record<string, unknown>,
  };
}

const personOf = (file: string) => file.split('/')[0];

function similarity(a: string, b: string): number {
  const of = (file: string) =>
    [false, true].flatMap((mirrored) => tinyEmbedding({ width: 3, height: 2, data: crops.get(file)! }, { mirrored }));
  const [x, y] = [of(a), of(b)];
  const dot = (u: number[], v: number[]) => u.reduce((sum, value, i) => sum + value * v[i], 0);
  return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
}

describe('sphereface pairs', () => {
  it('draws as many matched as mismatched pairs, the same for the same seed', async () => {
    const { format, pairs, text, result } = await draw('one.txt', '--count', '40');
    expect(format).toBe('list');
    expect(pairs).toHaveLength(40);
    expect(pairs.filter(({ same }) => same)).toHaveLength(20);
    for (const { a, b, same } of pairs) expect(personOf(a) === personOf(b)).toBe(same);
    expect(new Set(pairs.map(({ a, b }) => [a, b].sort().join('|'))).size).toBe(40);
    expect(result).toMatchObject({ matched: 20, mismatched: 20, seed: 1, folds: null, hard: null });
    expect((await draw('two.txt', '--count', '40')).text).toBe(text);
    expect((await draw('two.txt', '--count', '40', '--seed', '2')).text).not.toBe(text);
  });

  it('says how many there are where more were asked for', async () => {
    const { pairs, stderr } = await draw('all.txt');
    // Six people with six matched pairs each.
    expect(pairs).toHaveLength(72);
    expect(stderr).toMatch(/72 pairs of the 6000 asked for/);
  });

  it('draws folds that share no person', async () => {
    const { pairs, fold, folds } = await draw('folds.txt', '--count', '34', '--folds', '3');
    expect([pairs.length, folds]).toEqual([34, 3]);
    const people = [0, 1, 2].map(
      (k) => new Set(pairs.flatMap(({ a, b }, i) => (fold![i] === k ? [a, b] : [])).map(personOf)),
    );
    expect(people.map(({ size }) => size)).toEqual([2, 2, 2]);
    expect(new Set(people.flatMap((names) => [...names])).size).toBe(6);
    for (const k of [0, 1, 2]) {
      const inFold = pairs.filter((_, i) => fold![i] === k);
      expect(inFold.filter(({ same }) => same)).toHaveLength(inFold.length / 2);
    }
    await expect(draw('x.txt', '--folds', '4')).rejects.toThrow(/1 people in a fold/);
  });

  it('chooses the mismatched pairs that the model finds most alike', async () => {
    const { pairs, result } = await draw('hard.txt', '--count', '30', '--hard', model, '--threads', '1');
    const files = [...crops.keys()];
    const all = files.flatMap((a, i) =>
      files.slice(i + 1).flatMap((b) => (personOf(a) === personOf(b) ? [] : [similarity(a, b)])),
    );
    const hardest = all.sort((x, y) => y - x).slice(0, 15);
    const got = pairs.filter(({ same }) => !same).map(({ a, b }) => similarity(a, b));
    got.sort((x, y) => y - x);
    expect(got).toHaveLength(15);
    for (const [i, value] of got.entries()) expect(value).toBeCloseTo(hardest[i], 5);
    expect(result.hard).toMatchObject({ among: all.length });
    expect((result.hard as { from: number }).from).toBeCloseTo(hardest[14], 5);
  });

  it('leaves out what lies in no folder or cannot be read, by name', async () => {
    await writeFile(join(aligned, 'cover.png'), 'no picture');
    await writeFile(join(aligned, 'person 0', 'broken.png'), 'no picture');
    const { pairs, stderr, result } = await draw('left.txt', '--hard', model);
    expect(result).toMatchObject({ withoutIdentity: ['cover.png'], failures: [{ file: 'person 0/broken.png' }] });
    expect(stderr).toMatch(/cover.png lies in no identity folder[^]*person 0\/broken.png/);
    expect(pairs.flatMap(({ a, b }) => [a, b]).filter((file) => /cover|broken/.test(file))).toEqual([]);
  });

  it('leaves out paths that no line can hold, and names them in one', async () => {
    const folder = join(aligned, 'new\nline');
    await cp(join(aligned, 'person 0'), folder, { recursive: true });
    const { pairs, stderr, result } = await draw('lines.txt');
    await rm(folder, { recursive: true });
    expect(stderr).toMatch(/warning: new\\nline\/\S+ is left out: no line of a pair file can hold this path/);
    expect((result.unlistable as string[])[0]).toMatch(/^new\nline\//);
    for (const { a, b } of pairs) expect(`${a}${b}`).not.toContain('line');
  });

  it('refuses numbers that cannot be', async () => {
    await expect(draw('x.txt', '--count', '3')).rejects.toThrow(/even/);
    await expect(draw('x.txt', '--folds', '1')).rejects.toThrow(/2 folds/);
  });
});
