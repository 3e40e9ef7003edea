// For tests: crops for the model of tiny-model.ts, a pattern per person with little noise.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../common/random.js';
import { encodePicture, type Picture } from '../images/index.js';
import { tinyInput } from './tiny-model.js';

/** Picture `photo` of person `person`: the same for the same numbers. */
export function tinyCrop(person: number, photo: number): Picture {
  const { width, height } = tinyInput;
  const [pattern, noise] = [new Random(7, person), new Random(8 + photo, person)];
  const data = Uint8Array.from({ length: width * height * 3 }, () => pattern.integer(236) + noise.integer(20));
  return { width, height, data };
}

/** Writes `folder/<names[k]>/<0 … each - 1>.png`. */
export async function writeTinyCrops(folder: string, names: readonly string[], each = 2): Promise<void> {
  for (const [person, name] of names.entries()) {
    await mkdir(join(folder, name), { recursive: true });
    for (let photo = 0; photo < each; photo++) {
      await writeFile(join(folder, name, `${photo}.png`), await encodePicture(tinyCrop(person, photo)));
    }
  }
}
