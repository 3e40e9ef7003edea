// Crops of synthetic people: the middle of their photos, where the renderer puts the face. No detector is needed, and none could align them as well as photos.
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { writeFileAtomic } from '../common/atomic.js';
import { Random } from '../common/random.js';
import { sampleConditions } from './conditions.js';
import type { OnPhoto, SyntheticOptions } from './dataset.js';
import { sampleIdentity } from './identity.js';
import { renderPhoto } from './render.js';

/** Side of the photo that a crop is cut from, and the part of it that is cut. */
const side = 160;
const part = { left: 32, top: 25, width: 96, height: 112 };

/**
 * Writes `folder/person-000/00.jpg` …, 112 high and 96 wide. A crop that is there already is left alone. Each depends on the seed and its
 * own numbers only.
 */
export async function writeSyntheticCrops(
  folder: string,
  { identities, photosPerIdentity, seed }: Omit<SyntheticOptions, 'size'>,
  onPhoto?: OnPhoto,
): Promise<void> {
  const total = identities * photosPerIdentity;
  let done = 0;
  for (let person = 0; person < identities; person++) {
    const name = join(folder, `person-${String(person).padStart(3, '0')}`);
    await mkdir(name, { recursive: true });
    const identity = sampleIdentity(new Random(seed, 1 + person * 4096));
    for (let photo = 0; photo < photosPerIdentity; photo++) {
      const path = join(name, `${String(photo).padStart(2, '0')}.jpg`);
      const there = await access(path).then(
        () => true,
        () => false,
      );
      if (!there) {
        const conditions = sampleConditions(new Random(seed, 2 + person * 4096 + photo), identity);
        const { data } = renderPhoto(identity, conditions, side);
        const picture = sharp(data, { raw: { width: side, height: side, channels: 3 } }).extract(part);
        await writeFileAtomic(path, await picture.jpeg({ quality: conditions.camera.jpegQuality }).toBuffer());
      }
      onPhoto?.(++done, total);
    }
  }
}
