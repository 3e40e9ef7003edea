// Photos to crops: photos/s from the encoded photo to the written crop with the published settings, and where the time goes.
// npm run bench -- prepare [PHOTOS] [--photos N] [--threads N] [--models DIR] [--stages]
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { decodePhoto, openImageSource } from '../dist/images/index.js';
import type { OpenedSource } from '../dist/images/source.js';
import { alignFace } from '../dist/faces/align.js';
import { chooseFace } from '../dist/faces/choose.js';
import { Mtcnn } from '../dist/faces/mtcnn/detector.js';
import type { MtcnnWeights } from '../dist/faces/mtcnn/networks.js';
import { defaultCrop } from '../dist/faces/photo-settings.js';
import { prepare } from '../dist/faces/prepare.js';
import { Resizer } from '../dist/faces/resize.js';
import { templates } from '../dist/faces/template.js';
import { packageVersion } from '../dist/common/version.js';
import { loadMtcnnWeights } from '../dist/faces/mtcnn/weights.js';
import { Session } from '../dist/runtime/index.js';

const shared = fileURLToPath(new URL('../../shared/', import.meta.url));

export async function run(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      photos: { type: 'string', default: '1000' },
      threads: { type: 'string', default: '2' },
      models: { type: 'string', default: `${shared}models` },
      stages: { type: 'boolean', default: false },
    },
  });
  const source = await openImageSource(positionals[0] ?? `${shared}data/lfw-view1-photos.zip`);
  const count = Math.min(Number(values.photos), source.entries.length);
  const { weights } = await loadMtcnnWeights({ models: values.models });
  // Evenly spread over the source, so that a part stands for the whole.
  const chosen = Array.from({ length: count }, (_, i) => Math.floor((i * source.entries.length) / count));
  const part: OpenedSource = {
    ...source,
    entries: chosen.map((index) => source.entries[index]),
    read: (index) => source.read(chosen[index]),
  };
  console.log(
    JSON.stringify(values.stages ? await stages(part, weights) : await whole(part, weights, Number(values.threads))),
  );
  await source.dispose();
}

/** The command's own way, start of the threads included. */
async function whole(source: OpenedSource, weights: MtcnnWeights, threads: number) {
  const output = await mkdtemp(join(tmpdir(), 'sphereface-bench-'));
  try {
    const started = performance.now();
    const before = await cpuSeconds();
    let warm = 0;
    const warmup = Math.min(100, source.entries.length >> 2);
    const progress = (done: number) => {
      if (done === warmup) warm = performance.now();
    };
    const { manifest } = await prepare({ source, output, weights, threads, packageVersion, progress });
    const { photos, aligned } = manifest.counts;
    const spent = (await cpuSeconds()) - before;
    return {
      name: 'prepare, decode to written crop',
      photos,
      aligned,
      threads,
      photosPerSecond: round((1000 * photos) / (performance.now() - started)),
      photosPerSecondWarm: round((1000 * (photos - warmup)) / (performance.now() - warm)),
      // On a busy machine the wall clock also counts the waiting; this does not.
      cpuMsPerPhoto: round((1000 * spent) / photos),
      // Of this process; the others have some 150 MiB each.
      peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    };
  } finally {
    await rm(output, { recursive: true });
  }
}

/** Processor time of this process and of those it has started and seen end (Linux; elsewhere of this process alone). */
async function cpuSeconds(): Promise<number> {
  const status = await readFile('/proc/self/stat', 'utf8').catch(() => undefined);
  if (status === undefined) {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }
  // Fields 14 to 17 of proc(5), in hundredths of a second; the name before them may hold blanks.
  const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field) / 100, 0);
}

/** Milliseconds a photo in each stage, one thread, one photo after the other. */
async function stages(source: OpenedSource, weights: MtcnnWeights) {
  const spent = new Map<string, number>();
  const add = (stage: string, since: number) => spent.set(stage, (spent.get(stage) ?? 0) + performance.now() - since);
  const timed = async <T>(stage: string, work: () => Promise<T> | T): Promise<T> => {
    const since = performance.now();
    const result = await work();
    add(stage, since);
    return result;
  };
  await using detector = await Mtcnn.create(weights, { threads: 1 });
  const restore = [
    spy(Session.prototype, 'run', async (original, session, runArgs) => {
      const since = performance.now();
      const result = await (original.apply(session, runArgs) as Promise<unknown>);
      add('networks', since);
      return result;
    }),
    spy(Resizer.prototype, 'resize', (original, resizer, runArgs) => {
      const since = performance.now();
      original.apply(resizer, runArgs);
      add('resize', since);
    }),
  ];
  const { width, height, landmarks } = templates['112x96'];
  let faces = 0;
  for (const index of source.entries.keys()) {
    const bytes = await timed('read', () => source.read(index));
    const photo = await timed('decode', () => decodePhoto(bytes));
    const found = await timed('detect', () => detector.detect(photo));
    const face = found[chooseFace(found, photo, 'nearest-center') ?? -1];
    if (face === undefined) continue;
    faces++;
    const crop = await timed('align', () => alignFace(photo, face.landmarks, { name: '', width, height, landmarks }));
    const { quality } = defaultCrop;
    await timed('encode', () =>
      sharp(crop.data, { raw: { width, height, channels: 3 } })
        .jpeg({ quality, chromaSubsampling: '4:4:4' })
        .toBuffer(),
    );
  }
  for (const undo of restore) undo();
  const perPhoto = Object.fromEntries([...spent].map(([stage, ms]) => [stage, round(ms / source.entries.length)]));
  const { detect = 0, networks = 0, resize = 0, ...rest } = perPhoto;
  return {
    name: 'prepare, milliseconds a photo by stage',
    photos: source.entries.length,
    faces,
    ...rest,
    detect,
    ofWhich: { networks, resize, rest: round(detect - networks - resize) },
  };
}

/** Wraps a method; gives back how to undo it. */
function spy<T extends object, K extends keyof T>(
  target: T,
  name: K,
  wrapper: (original: (...args: never[]) => unknown, self: T, args: never[]) => unknown,
): () => void {
  const original = target[name];
  target[name] = function (this: T, ...args: never[]) {
    return wrapper(original as (...args: never[]) => unknown, this, args);
  } as T[K];
  return () => {
    target[name] = original;
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
