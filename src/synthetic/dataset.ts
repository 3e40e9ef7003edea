// Photos of synthetic people as a folder of identity folders, the form in which real photos come.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { writeFileAtomic } from '../common/atomic.js';
import { exists } from '../common/exists.js';
import { syntheticConditions, syntheticPerson } from './photo.js';
import { renderPhoto } from './render.js';

/** How many people and photos, and from which seed. */
export interface SyntheticOptions {
  readonly identities: number;
  readonly photosPerIdentity: number;
  readonly seed: number;
  /** Side of the square photos in pixels. */
  readonly size: number;
}

export const defaultSyntheticOptions: SyntheticOptions = { identities: 80, photosPerIdentity: 12, seed: 1, size: 160 };

/** Called after every photo that is in place. */
export type OnPhoto = (done: number, total: number) => void;

/**
 * Writes `folder/person-000/00.jpg` …. A photo that is there already is left alone: photos depend on the seed and their
 * own numbers only, so an interrupted run goes on where it stopped and ends with the same files.
 * @returns how many photos were rendered now.
 */
export async function writeSyntheticPhotos(
  folder: string,
  options: Partial<SyntheticOptions> = {},
  onPhoto?: OnPhoto,
): Promise<number> {
  const { identities, photosPerIdentity, seed, size } = { ...defaultSyntheticOptions, ...options };
  const total = identities * photosPerIdentity;
  let done = 0;
  let rendered = 0;
  // Encoding runs in the background while the next photo is drawn.
  let writing: Promise<void> = Promise.resolve();
  for (let person = 0; person < identities; person++) {
    const name = `person-${String(person).padStart(3, '0')}`;
    await mkdir(join(folder, name), { recursive: true });
    const identity = syntheticPerson(seed, person);
    for (let photo = 0; photo < photosPerIdentity; photo++) {
      const path = join(folder, name, `${String(photo).padStart(2, '0')}.jpg`);
      if (!(await exists(path))) {
        const conditions = syntheticConditions(seed, person, photo, identity);
        const picture = renderPhoto(identity, conditions, size);
        await writing;
        writing = sharp(picture.data, { raw: { width: size, height: size, channels: 3 } })
          .jpeg({ quality: conditions.camera.jpegQuality })
          .toBuffer()
          .then((bytes) => writeFileAtomic(path, bytes));
        rendered++;
      }
      onPhoto?.(++done, total);
    }
  }
  await writing;
  return rendered;
}
