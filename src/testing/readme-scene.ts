// For tests: a folder with the files that the README's examples name, small enough to run them all in seconds.
import { copyFile, cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { starterModel, updateMetadata } from '../models/index.js';
import { writeSyntheticPhotos } from '../synthetic/index.js';
import { narrowFaceModel } from './face-model.js';
import { sharedMtcnn } from './mtcnn-weights.js';
import { testStarter } from './starter-model.js';

/**
 * Writes `photos/` and `people/` (folders of 6 identities, 4 photos each), `a.jpg` and `b.jpg` of one person, `who.jpg` of another,
 * `aligned/anna/1.jpg` (a crop), and `model.onnx`, calibrated, with random weights.
 * @returns the environment in which the weights of the detector and of the starter embedder are found without a network, where they can be had.
 */
export async function writeReadmeScene(folder: string): Promise<Readonly<Record<string, string>>> {
  const photos = join(folder, 'photos');
  await writeSyntheticPhotos(photos, { identities: 6, photosPerIdentity: 4, seed: 2 });
  const people = (await readdir(photos)).sort();
  const photo = (person: number, k: number) => join(people[person], `0${k}.jpg`);
  await cp(photos, join(folder, 'people'), { recursive: true });
  await copyFile(join(photos, photo(1, 0)), join(folder, 'a.jpg'));
  await copyFile(join(photos, photo(1, 1)), join(folder, 'b.jpg'));
  await copyFile(join(photos, photo(2, 2)), join(folder, 'who.jpg'));
  await mkdir(join(folder, 'aligned', 'anna'), { recursive: true });
  const grey = { create: { width: 96, height: 112, channels: 3 as const, background: '#808080' } };
  await sharp(grey).toFile(join(folder, 'aligned', 'anna', '1.jpg'));
  await writeModel(join(folder, 'model.onnx'));
  if (!existsSync(sharedMtcnn)) return {};
  const cache = join(folder, 'cache');
  await cp(sharedMtcnn, join(cache, 'sphereface-plus', 'mtcnn'), { recursive: true });
  const { path } = await testStarter();
  if (path !== undefined) {
    await cp(path, join(cache, 'sphereface-plus', starterModel.name, basename(path)));
  }
  return { XDG_CACHE_HOME: cache };
}

async function writeModel(path: string): Promise<void> {
  await writeFile(path, narrowFaceModel());
  const thresholds = [{ falseAcceptRate: 1e-2, threshold: 0.9, trueAcceptRate: 0.5 }];
  const counts = { genuinePairs: 30, impostorPairs: 300 };
  await updateMetadata(path, { calibration: { data: 'pairs made up', ...counts, flip: true, thresholds } });
}
