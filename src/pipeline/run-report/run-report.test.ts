// The report of a run, its snapshots on pairs, and event files read back by an independent parser of their documented format.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openImageSource } from '../../images/index.js';
import { formatPairs, holdOut } from '../../evaluation/index.js';
import { tinyRecipe, writeTinyFaces } from '../../testing/tiny-faces.js';
import { CheckpointStore, logOf, snapshotsOf, startRun } from '../../training/index.js';
import { evaluateModel } from '../evaluate-model.js';
import { evaluateSnapshots } from '../snapshots.js';
import { crc32c, eventFile, type ScalarStep } from './events.js';
import { reportRun, scalarsOf } from './report-run.js';

let scratch: string;
let run: string;
let faces: string;
let pairs: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-report-'));
  faces = join(scratch, 'faces');
  await writeTinyFaces(faces);
  await using source = await openImageSource(faces);
  pairs = join(scratch, 'pairs.txt');
  await writeFile(pairs, formatPairs(holdOut(source.entries, { share: 0.5, pairsOfEachKind: 30 }).pairs));
  run = join(scratch, 'run');
  const recipe = tinyRecipe('solver.iterations=20', 'log={display: 4, checkpoint: 10, keep: 1, snapshots: 8}', energy);
  await startRun({ data: faces, recipe, folder: run, threads: 1 });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const energy = 'loss.energy={form: riesz, weight: {type: auto, share: 0.1}}';

describe('snapshots', () => {
  it('are the parameters every so many iterations and after the last, all kept', async () => {
    expect(await snapshotsOf(run).iterations()).toEqual([8, 16, 20]);
    const last = await snapshotsOf(run).read(20);
    const checkpoint = await new CheckpointStore(join(run, 'checkpoints'), 1).read(20);
    expect(last.parameters).toEqual(checkpoint.parameters);
    expect(last.identities).toEqual(checkpoint.identities);
  });

  it('are evaluated over iterations, the last to the numbers of the model', async () => {
    const output = join(scratch, 'snapshots');
    const options = { run, pairs, images: faces, output, protocol: 'best-threshold' } as const;
    const { result, report } = await evaluateSnapshots({ ...options, snapshots: 'all', open: { threads: 1 } });
    expect(result.snapshots.map(({ iteration }) => iteration)).toEqual([8, 16, 20]);
    const model = await evaluateModel({
      ...{ pairs, images: faces, protocol: 'best-threshold', open: { threads: 1 } },
      ...{ model: join(run, 'model.onnx'), output: join(scratch, 'model') },
    });
    const { accuracy, auc, eer } = model.result.evaluation.numbers;
    expect(result.snapshots[2]).toEqual({ iteration: 20, accuracy: accuracy.mean, auc, eer });
    const best = Math.max(...result.snapshots.map((snapshot) => snapshot.accuracy));
    expect(result.best.accuracy).toBe(best);
    expect(await readFile(report, 'utf8')).toMatch(/^<!doctype html>[^]*Choose on pairs of their own/);
    const some = await evaluateSnapshots({ ...options, snapshots: [16], open: { threads: 1 } });
    expect(some.result.snapshots).toEqual([result.snapshots[1]]);
    await expect(evaluateSnapshots({ ...options, snapshots: [7] })).rejects.toThrow(/iteration 7[^]*8, 16, 20/);
  });
});

/** A reader of TFRecord and of the protobuf wire format, written from their specifications alone. */
function readEvents(bytes: Uint8Array) {
  const events: { wallTime: number; step: number; version?: string; values: Record<string, number> }[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const unmask = (masked: number): number => {
    const rotated = (masked - 0xa282ead8) >>> 0;
    return ((rotated >>> 17) | (rotated << 15)) >>> 0;
  };
  for (let at = 0; at < bytes.length;) {
    const length = Number(view.getBigUint64(at, true));
    expect(unmask(view.getUint32(at + 8, true))).toBe(slowCrc32c(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(unmask(view.getUint32(at + 12 + length, true))).toBe(slowCrc32c(data));
    const event = {
      wallTime: 0,
      step: 0,
      values: {} as Record<string, number>,
      version: undefined as string | undefined,
    };
    for (const [number, value] of fields(data)) {
      if (number === 1) event.wallTime = new DataView(value.buffer, value.byteOffset).getFloat64(0, true);
      if (number === 2) event.step = Number(value[0]) | (Number(value[1] ?? 0) << 7);
      if (number === 3) event.version = new TextDecoder().decode(value);
      if (number !== 5) continue;
      for (const [, scalar] of fields(value)) {
        const parts = new Map(fields(scalar));
        const number = parts.get(2)!;
        const tag = new TextDecoder().decode(parts.get(1));
        event.values[tag] = new DataView(number.buffer, number.byteOffset).getFloat32(0, true);
      }
    }
    const { version, ...rest } = event;
    events.push(version === undefined ? rest : { ...rest, version });
    at += 16 + length;
  }
  return events;
}

/** The fields of a message: a varint as its groups of seven bits, anything else as its bytes. */
function fields(data: Uint8Array): [number, Uint8Array][] {
  const found: [number, Uint8Array][] = [];
  let at = 0;
  const varint = (): number[] => {
    const groups: number[] = [];
    do groups.push(data[at] & 127);
    while (data[at++] > 127);
    return groups;
  };
  const wide = (groups: number[]): number => groups.reduce((sum, group, i) => sum + group * 128 ** i, 0);
  while (at < data.length) {
    const tag = wide(varint());
    const kind = tag & 7;
    if (kind === 0) {
      found.push([tag >> 3, Uint8Array.from(varint())]);
      continue;
    }
    const size = kind === 1 ? 8 : kind === 5 ? 4 : wide(varint());
    found.push([tag >> 3, data.subarray(at, at + size)]);
    at += size;
  }
  return found;
}

/** CRC-32C by its definition: the remainder of a division of polynomials, bit by bit. */
function slowCrc32c(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const odd = ((remainder ^ (byte >> bit)) & 1) === 1;
      remainder = (remainder >>> 1) ^ (odd ? 0x82f63b78 : 0);
    }
  }
  return ~remainder >>> 0;
}

describe('an event file', () => {
  it('has the checksums of RFC 3720', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  });

  it('is read back as it was written', () => {
    const steps: ScalarStep[] = [
      { wallTime: 1000.5, step: 5, values: { 'loss/loss': 2.5, 'energy/energy': 0.5 } },
      { wallTime: 1002, step: 300, values: { 'loss/loss': -1.25 } },
    ];
    expect(readEvents(eventFile(999, steps))).toEqual([
      { wallTime: 999, step: 0, version: 'brain.Event:2', values: {} },
      ...steps,
    ]);
  });
});

describe('the report of a run', () => {
  it('is a page with its curves, and an event file with its figures', async () => {
    const tensorboard = join(scratch, 'events');
    const { page, events, lines } = await reportRun({ run, tensorboard });
    expect(lines).toBe(5);
    const text = await readFile(page, 'utf8');
    expect(text).toMatch(/^<!doctype html>/);
    expect(text).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
    for (const name of ['loss', 'accuracy', 'lambda', 'energy', 'smallest angle', 'gradients', 'learning rate']) {
      expect(text).toContain(`aria-label="${name} over 5 logged iterations"`);
    }
    const log = await logOf(run).lines();
    const [version, ...scalars] = readEvents(await readFile(events!));
    expect(version.version).toBe('brain.Event:2');
    expect(scalars.map(({ step }) => step)).toEqual([4, 8, 12, 16, 20]);
    for (const [i, { values }] of scalars.entries()) {
      expect(values['loss/loss']).toBe(Math.fround(log[i].loss));
      expect(values['energy/energy']).toBe(Math.fround(log[i].energy!));
      expect(values['smallest_angle/smallest_angle']).toBe(Math.fround(log[i].minimumAngle));
    }
  });

  it('counts times back from the end of the log', () => {
    const line = { loss: 1, terms: {}, gradientNorms: {}, imagesPerSecond: 16 } as never as Parameters<
      typeof scalarsOf
    >[0][0];
    const steps = scalarsOf(
      [
        { ...line, iteration: 4 },
        { ...line, iteration: 10 },
      ],
      8,
      1000,
    );
    expect(steps.map(({ wallTime, step }) => [step, wallTime])).toEqual([
      [4, 997],
      [10, 1000],
    ]);
  });

  it('writes nothing where the event file cannot be written', async () => {
    const [output, tensorboard] = [join(scratch, 'page'), join(scratch, 'afile')];
    await writeFile(tensorboard, '');
    await expect(reportRun({ run, output, tensorboard })).rejects.toThrow(/afile cannot be written[^]*is a file/);
    expect(existsSync(output)).toBe(false);
  });

  it('says what is wrong with a folder that has nothing to report', async () => {
    await expect(reportRun({ run: join(scratch, 'none') })).rejects.toThrow(/holds no run/);
  });
});
