// What a study trains and evaluates on, laid out in its folder: the training list without who is held out, and the pairs drawn among them.
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { writeFileAtomic } from '../../common/atomic.js';
import { UsageError } from '../../common/errors.js';
import { evenlySpread } from '../../common/spread.js';
import { formatPairs, holdOut } from '../../evaluation/index.js';
import { listIdentities } from '../../faces/index.js';
import { fitsInLine, type ImageEntry, type OpenedSource, openImageSource } from '../../images/index.js';
import { writeSyntheticCrops } from '../../synthetic/index.js';
import { relativePaths } from '../../training/labelled-images.js';
import { openEvaluationData } from '../evaluation-data.js';
import type { PairsDefinition, StudyDefinition } from './schema.js';

/** Pairs of a study and the images that they name. */
export interface StudyPairs {
  /** In words. */
  readonly name: string;
  readonly pairs: string;
  readonly images: string | undefined;
  readonly allowMissing: boolean;
  /** Digest of the pairs and of a sample of the images. */
  readonly key: string;
}

export interface StudyData {
  readonly training: {
    readonly path: string;
    readonly images: number;
    readonly identities: number;
    /** Identities kept away for pairs. */
    readonly heldOut: number;
    /** Digest of the images' names and of a sample of their bytes. */
    readonly key: string;
  };
  readonly validation: readonly StudyPairs[];
  readonly test: StudyPairs;
}

/**
 * Lays out the data of a study under `folder/data`. The same study gives the same files, so that workers side by side, or one after a
 * kill, may all do it.
 */
export async function prepareStudyData(
  study: StudyDefinition,
  folder: string,
  onProgress?: (done: number, total: number) => void,
): Promise<StudyData> {
  const own = join(folder, 'data');
  await mkdir(own, { recursive: true });
  const data = study.data ?? (await synthetic(study, own, onProgress));
  await using source = await openImageSource(data);
  const divided = await divide(source, data, [...study.validation, study.test], own);
  const training = { path: divided.path, heldOut: divided.heldOut, ...(await described(divided.path)) };
  return { training, validation: divided.sets.slice(0, -1), test: divided.sets.at(-1)! };
}

async function synthetic(
  { synthetic: people }: StudyDefinition,
  own: string,
  onProgress?: (done: number, total: number) => void,
): Promise<string> {
  // Of other people elsewhere: what is drawn is never a mixture.
  const { identities, photosPerIdentity, seed } = people!;
  const faces = join(own, `synthetic-${identities}-${photosPerIdentity}-${seed}`);
  await writeSyntheticCrops(faces, people!, onProgress);
  return faces;
}

interface Division {
  readonly path: string;
  readonly heldOut: number;
  readonly sets: readonly StudyPairs[];
}

/** Holds identities out for the sets that want it, one set after the other, and lists the rest. */
async function divide(
  source: OpenedSource,
  data: string,
  wanted: readonly PairsDefinition[],
  own: string,
): Promise<Division> {
  const sets: StudyPairs[] = [];
  const heldOut: string[] = [];
  const all = new Set(source.entries.map(({ identity }) => identity)).size;
  let left: readonly ImageEntry[] = source.entries.filter(({ file }) => fitsInLine(file));
  for (const [i, { pairs, images, allowMissing, holdOut: share, pairsOfEachKind, seed }] of wanted.entries()) {
    if (share === undefined) {
      sets.push({ name: pairs!, pairs: pairs!, images, allowMissing, key: await keyOfPairs(pairs!, images) });
      continue;
    }
    const people = new Set(left.map(({ identity }) => identity));
    const division = holdOut(left, { share: Math.min((share * all) / people.size, 1), pairsOfEachKind, seed });
    const file = join(own, `pairs-${i + 1}.txt`);
    await writeFileAtomic(file, formatPairs(division.pairs));
    heldOut.push(...division.heldOut);
    const stay = new Set(division.training);
    left = left.filter(({ identity }) => stay.has(identity.normalize('NFC')));
    const name = `${division.pairs.length} pairs of ${division.heldOut.length} identities held out of the data`;
    sets.push({ name, pairs: file, images: data, allowMissing, key: await keyOfPairs(file, data) });
  }
  if (heldOut.length === 0) return { path: data, heldOut: 0, sets };
  const path = join(own, 'train.txt');
  const { lines } = await listIdentities({ source, exclude: heldOut, findDuplicates: false });
  await writeFileAtomic(path, lines.map((line) => `${join(listRoot(source, data), line)}\n`).join(''));
  return { path, heldOut: heldOut.length, sets };
}

/** What the paths of a list of a source's images begin with. */
function listRoot({ kind }: OpenedSource, data: string): string {
  if (kind === 'folder' || kind === 'zip') return resolve(data);
  if (kind === 'list') return dirname(resolve(data));
  throw new UsageError(`Identities of ${data} cannot be held out.`, {
    got: `a ${kind}`,
    expected: 'a folder of identity folders, a zip of one, or a list',
    next: 'give the pairs as a file, or list the data first: sphereface list',
  });
}

async function described(path: string): Promise<Omit<StudyData['training'], 'path' | 'heldOut'>> {
  await using source = await openImageSource(path);
  const identities = new Set(source.entries.map(({ identity }) => identity)).size;
  return { images: source.entries.length, identities, key: await keyOf(source) };
}

async function keyOfPairs(pairs: string, images: string | undefined): Promise<string> {
  const data = await openEvaluationData({ pairs, ...(images === undefined ? {} : { images }) });
  try {
    const lines = data.pairFile.pairs.map(({ a, b, same }) => [a, b, same]);
    return digest(
      JSON.stringify([lines, data.pairFile.fold ? [...data.pairFile.fold] : null, await keyOf(data.source)]),
    );
  } finally {
    await data.source.dispose();
  }
}

/** Images whose bytes are looked at. */
const sampleSize = 64;

/** The names of a source's images, wherever it lies, and the bytes of some. */
async function keyOf(source: OpenedSource): Promise<string> {
  const paths = relativePaths(source);
  const order = [...paths.keys()].sort((a, b) => (paths[a] < paths[b] ? -1 : 1));
  const names = order.map((index) => `${source.entries[index].identity}\0${paths[index]}`);
  const sample = evenlySpread(order.length, sampleSize).map((place) => order[place]);
  const bytes = await Promise.all(sample.map(async (index) => digest(await source.read(index).catch(() => ''))));
  return digest(JSON.stringify([names, bytes]));
}

function digest(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
