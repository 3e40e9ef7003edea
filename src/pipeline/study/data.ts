// What a study trains and evaluates on, laid out in its folder: the training list without who is held out, and the pairs drawn among them.
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { writeFileAtomic } from '../../common/atomic.js';
import { digestOf } from '../../common/digest.js';
import { UsageError } from '../../common/errors.js';
import { formatPairs, holdOut } from '../../evaluation/index.js';
import { listIdentities } from '../../faces/index.js';
import { fitsInLine, type ImageEntry, type OpenedSource, openImageSource } from '../../images/index.js';
import { writeSyntheticCrops } from '../../synthetic/index.js';
import { openEvaluationData } from '../evaluation-data.js';
import { keyOfImages, keyOfPairs } from './content.js';
import type { PairsDefinition, StudyDefinition } from './schema.js';
import { requireUsable, type StatedPairs } from './usable-pairs.js';

/** Pairs of a study and the images that they name. */
export interface StudyPairs {
  /** In words. */
  readonly name: string;
  readonly pairs: string;
  readonly images: string | undefined;
  readonly allowMissing: boolean;
  /** The field of the study that states them, for errors. */
  readonly field: string;
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
 * kill, may all do it; another study gives files beside them.
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
  const wanted = [
    ...study.validation.map((set, i) => ({ ...set, field: `validation.${i}` })),
    { ...study.test, field: 'test' },
  ];
  const divided = await divide(source, data, wanted, own);
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
  wanted: readonly (PairsDefinition & StatedPairs)[],
  own: string,
): Promise<Division> {
  const sets: StudyPairs[] = [];
  const heldOut: string[] = [];
  const all = new Set(source.entries.map(({ identity }) => identity)).size;
  let left: readonly ImageEntry[] = source.entries.filter(({ file }) => fitsInLine(file));
  for (const [i, stated] of wanted.entries()) {
    const { pairs, images, holdOut: share, pairsOfEachKind, seed } = stated;
    if (share === undefined) {
      sets.push(await opened(stated, { name: pairs!, pairs: pairs!, images }));
      continue;
    }
    const people = new Set(left.map(({ identity }) => identity));
    const division = holdOut(left, { share: Math.min((share * all) / people.size, 1), pairsOfEachKind, seed });
    const file = await writeKnown(own, `pairs-${i + 1}`, formatPairs(division.pairs));
    heldOut.push(...division.heldOut);
    const stay = new Set(division.training);
    left = left.filter(({ identity }) => stay.has(identity.normalize('NFC')));
    const name = `${division.pairs.length} pairs of ${division.heldOut.length} identities held out of the data`;
    sets.push(await opened(stated, { name, pairs: file, images: data }));
  }
  if (heldOut.length === 0) return { path: data, heldOut: 0, sets };
  const { lines } = await listIdentities({ source, exclude: heldOut, findDuplicates: false });
  const root = listRoot(source, data);
  const path = await writeKnown(own, 'train', lines.map((line) => `${join(root, line)}\n`).join(''));
  return { path, heldOut: heldOut.length, sets };
}

/**
 * Writes a file under a name with the digest of its content. Another command on the folder, with other people held out, must not change
 * what a study that is running there trains and judges on.
 */
async function writeKnown(folder: string, name: string, content: string): Promise<string> {
  const path = join(folder, `${name}-${digestOf(content).slice(0, 16)}.txt`);
  const there = await readFile(path, 'utf8').catch(() => undefined);
  if (there !== content) await writeFileAtomic(path, content);
  return path;
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
  return { images: source.entries.length, identities, key: await keyOfImages(source) };
}

/** Pairs with their key. @throws UsageError for those that cannot be evaluated. */
async function opened(stated: StatedPairs, place: Pick<StudyPairs, 'name' | 'pairs' | 'images'>): Promise<StudyPairs> {
  const { field, allowMissing } = stated;
  const { pairs, images } = place;
  const data = await openEvaluationData({ pairs, ...(images === undefined ? {} : { images }) }, `${field}.images`);
  try {
    requireUsable(data, stated);
    return { ...place, field, allowMissing, key: await keyOfPairs(data) };
  } finally {
    await data.source.dispose();
  }
}
