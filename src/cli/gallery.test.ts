// enroll and identify: what they write and print, and that errors speak of flags.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../common/errors.js';
import type { EnrollReport, Match, OpenSetDecision } from '../pipeline/index.js';
import { writeModel } from '../models/index.js';
import { runCommand } from '../testing/command.js';
import { writeTinyCrops } from '../testing/tiny-crops.js';
import { tinyInput, tinyModel } from '../testing/tiny-model.js';
import { registerEnroll } from './enroll.js';
import { inFlags } from './flags.js';
import { registerIdentify } from './identify.js';
import { registerVerify } from './verify.js';

let scratch: string;
let model: string;
let people: string;
let gallery: string;
const names = ['anna', 'ben', 'cleo', 'dora'];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-gallery-command-'));
  model = join(scratch, 'model.onnx');
  people = join(scratch, 'people');
  gallery = join(scratch, 'gallery');
  const calibration = {
    data: 'pairs',
    genuinePairs: 10,
    impostorPairs: 1000,
    flip: true,
    thresholds: [
      { falseAcceptRate: 0.1, threshold: 0.5, trueAcceptRate: 1 },
      { falseAcceptRate: 0.001, threshold: 0.9999, trueAcceptRate: 0.9 },
    ],
  };
  await writeModel(model, tinyModel({ metadata: { input: tinyInput, embeddingSize: 2, calibration } }));
  await writeTinyCrops(people, names);
});
afterAll(() => rm(scratch, { recursive: true }));

async function json<T>(
  register: (program: Command) => void,
  ...args: string[]
): Promise<{ result: T; stderr: string }> {
  const { stdout, stderr, error } = await runCommand(register, [...args, '--json', '--aligned', '--threads', '1']);
  if (error !== undefined) throw error;
  return { result: JSON.parse(stdout) as T, stderr };
}

interface Enrolled extends EnrollReport {
  readonly identities: number;
  readonly photos: number;
  readonly decision: OpenSetDecision;
}

interface Identified {
  readonly identities: number;
  readonly decision: OpenSetDecision;
  readonly photos: readonly { readonly file: string; readonly matches?: readonly Match[]; readonly error?: string }[];
}

describe('enroll and identify', () => {
  it('enroll people, again only what changed, and say who is who', async () => {
    const first = await json<Enrolled>(registerEnroll, 'enroll', model, people, '-o', gallery, '--score', 'mean');
    expect(first.result).toMatchObject({ identities: 4, photos: 8, added: 8, unchanged: 0, problems: [] });
    await writeTinyCrops(people, [...names, 'eve']);
    await writeFile(join(people, 'eve', 'text.png'), 'no picture');
    const again = await json<Enrolled>(registerEnroll, 'enroll', model, people, '-o', gallery);
    expect(again.result).toMatchObject({ identities: 5, photos: 10, added: 3, changed: 0, removed: 0, unchanged: 8 });
    expect(again.stderr).toMatch(/warning: eve.text\.png: The file is not an image/);

    const probes = join(scratch, 'probes');
    await writeTinyCrops(probes, ['ANNA', ...Array.from({ length: 8 }, (_, i) => `x${i}`)], 1);
    await rm(join(probes, 'x0'), { recursive: true });
    const { result, stderr } = await json<Identified>(
      registerIdentify,
      'identify',
      model,
      gallery,
      probes,
      '--top',
      '2',
    );
    expect(result.decision).toMatchObject({ threshold: 0.9999, falseAcceptRate: 0.001, comparisons: 5 });
    expect(result.decision.falsePositiveIdentificationRate).toBeCloseTo(1 - 0.999 ** 5, 10);
    expect(stderr).toMatch(/5 people, 10 photos; threshold 0\.9999[^]*about 0\.499 % of strangers/);
    const of = (file: string) => result.photos.find((photo) => photo.file === file)!.matches!;
    expect(of('ANNA/0.png')).toHaveLength(2);
    expect(of('ANNA/0.png')[0]!.nearest).toBe('anna');
    expect(result.photos).toHaveLength(8);
    for (const { matches } of result.photos) {
      for (const { identity, known, nearest, similarity } of matches!) {
        expect(known).toBe(similarity > 0.9999);
        expect(identity).toBe(known ? nearest : 'unknown');
      }
    }
  });

  it('print a line per photo for people, and the threshold that decides', async () => {
    const args = ['identify', model, gallery, people, '--aligned', '--threads', '1'];
    const { stdout, stderr, error } = await runCommand(registerIdentify, [...args, '--threshold', '0.99']);
    expect(error).toBeUndefined();
    expect(stdout).toMatch(
      /threshold 0\.9900 from the caller; a false-accept rate of 0\.1 or less, so that at most 41\.0 % of strangers/,
    );
    expect(stdout).toMatch(/^anna.0\.png {2}anna [01]\.\d{4}$/m);
    expect(stdout).toMatch(/10 known, 0 unknown, 1 without a face or unreadable/);
    expect(stderr).toMatch(/warning: eve.text\.png/);
    const strict = await runCommand(registerIdentify, [...args, '--threshold', '1']);
    expect(strict.stdout).toMatch(/^anna.0\.png {2}unknown \(nearest \w+ [01]\.\d{4}\)$/m);
  });

  it('calibrate the gallery on itself', async () => {
    const { result } = await json<Enrolled>(
      registerEnroll,
      'enroll',
      model,
      people,
      '-o',
      gallery,
      '--calibrate',
      '0.2',
    );
    expect(result.decision).toMatchObject({ from: "the gallery's own people", falsePositiveIdentificationRate: 0.2 });
    const identified = await json<Identified>(registerIdentify, 'identify', model, gallery, people);
    expect(identified.result.decision).toEqual(result.decision);
  });

  it('refuse the photos of nobody, and say what is odd about a folder', async () => {
    const folder = join(scratch, 'odd');
    await writeTinyCrops(folder, ['anna']);
    const { error } = await runCommand(registerEnroll, [
      ...['enroll', model, join(folder, 'anna'), '-o', join(scratch, 'nobody'), '--aligned', '--threads', '1'],
    ]);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toMatch(/No photo of .*anna lies in a person's folder[^]*give the folder above/);
    await writeFile(join(folder, 'notes.txt'), 'x');
    await writeFile(join(folder, 'cover.png'), 'x');
    const { result, stderr } = await json<Enrolled>(
      registerEnroll,
      'enroll',
      model,
      folder,
      '-o',
      join(scratch, 'odd-g'),
    );
    expect(result).toMatchObject({ identities: 1, ignored: [{ file: 'notes.txt', kind: 'text file' }] });
    expect(stderr).toMatch(/in no identity folder: cover\.png[^]*no images: .*text file/);
  });

  it('refuse what does not fit, in words of the command line', async () => {
    const wrong = async (register: (program: Command) => void, ...args: string[]): Promise<string> => {
      const { error, stderr } = await runCommand(register, [...args, '--aligned', '--threads', '1']);
      expect(error).toBeDefined();
      const program = new Command();
      register(program);
      return `${inFlags(String(error), program.commands[0]!)} ${stderr}`;
    };
    const identify = ['identify', model, gallery, people];
    expect(await wrong(registerIdentify, ...identify, '--far', '0.5')).toMatch(
      /false-accept rate of 0\.5[^]*0\.1, 0\.001/,
    );
    const both = await wrong(registerIdentify, ...identify, '--far', '0.1', '--fpir', '0.1');
    expect(both).toMatch(/give one of --threshold, --far and --fpir/);
    expect(await wrong(registerIdentify, ...identify, '--fpir', '1e-6')).toMatch(/no threshold strict enough/);
    expect(await wrong(registerIdentify, ...identify, '--top', '0')).toMatch(/expected a positive integer/);
    expect(await wrong(registerIdentify, 'identify', model, people, people)).toMatch(/There is no gallery in/);
    const score = await wrong(registerEnroll, 'enroll', model, people, '-o', gallery, '--score', 'best');
    expect(score).toMatch(/another --score[^]*got: best[^]*expected: mean/);
    const { error } = await runCommand(registerEnroll, ['enroll', model, people, '-o', join(scratch, 'g2')]);
    const program = new Command();
    registerEnroll(program);
    expect(inFlags(String(error), program.commands[0]!)).toMatch(/cannot make[^]*give the crops: --aligned/);
    expect(error).not.toBeInstanceOf(UsageError);
  });
});

describe('errors of the library on the command line', () => {
  it('name flags for options that the command has, with their values', () => {
    const program = new Command();
    registerVerify(program);
    const [verify] = program.commands;
    const message = "lower `minSize` or `thresholds`, use `device: 'cpu'`, leave `falseAcceptRate` out; `flip` stays";
    expect(inFlags(message, verify!)).toBe(
      'lower --min-size or --thresholds, use --device cpu, leave --far out; `flip` stays',
    );
  });
});
