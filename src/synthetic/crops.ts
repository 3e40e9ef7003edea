// Crops of synthetic people: the middle of their photos, where the renderer puts the face. No detector is needed, and none could align them as well as photos.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { writeFileAtomic } from '../common/atomic.js';
import { exists } from '../common/exists.js';
import type { OnPhoto, SyntheticOptions } from './dataset.js';
import { syntheticConditions, syntheticCrop, syntheticPerson } from './photo.js';

/**
 * Writes `folder/person-000/00.jpg` …, 112 high and 96 wide. A crop that is there already is left alone. Each depends on the seed and its
 * own numbers only.
 * @param onPhoto told nothing where nothing is drawn
 */
export async function writeSyntheticCrops(
  folder: string,
  { identities, photosPerIdentity, seed }: Omit<SyntheticOptions, 'size'>,
  onPhoto?: OnPhoto,
): Promise<void> {
  const total = identities * photosPerIdentity;
  let done = 0;
  let drawn = false;
  for (let person = 0; person < identities; person++) {
    const name = join(folder, `person-${String(person).padStart(3, '0')}`);
    await mkdir(name, { recursive: true });
    const identity = syntheticPerson(seed, person);
    for (let photo = 0; photo < photosPerIdentity; photo++) {
      const path = join(name, `${String(photo).padStart(2, '0')}.jpg`);
      const there = await exists(path);
      drawn ||= !there;
      if (!there) {
        const conditions = syntheticConditions(seed, person, photo, identity);
        const { data, width, height } = syntheticCrop(identity, conditions);
        const picture = sharp(data, { raw: { width, height, channels: 3 } });
        await writeFileAtomic(path, await picture.jpeg({ quality: conditions.camera.jpegQuality }).toBuffer());
      }
      done++;
      if (drawn) onPhoto?.(done, total);
    }
  }
}
