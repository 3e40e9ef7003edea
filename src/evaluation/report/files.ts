// Where a report meets files: pictures made small enough to carry inside the page, and the folder that is written.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { writeFileAtomic } from '../../common/atomic.js';

/** The height that a report's pictures are reduced to, where they are higher. */
const pictureHeight = 160;

/** An encoded image as a `data:` address, JPEG. */
export async function pictureAddress(bytes: Uint8Array): Promise<string> {
  const jpeg = await sharp(bytes)
    .resize({ height: pictureHeight, withoutEnlargement: true })
    .flatten({ background: 'white' })
    .jpeg({ quality: 85 })
    .toBuffer();
  return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
}

/** Writes `index.html` and `result.json` into `folder`, each whole or not at all. Returns the two paths. */
export async function writeReport(
  folder: string,
  page: string,
  result: object,
): Promise<{ readonly page: string; readonly result: string }> {
  await mkdir(folder, { recursive: true });
  const paths = { page: join(folder, 'index.html'), result: join(folder, 'result.json') };
  await writeFileAtomic(paths.result, `${JSON.stringify(result, undefined, 2)}\n`);
  await writeFileAtomic(paths.page, page);
  return paths;
}
