// Crops as from a small, grey, compressed picture, for trying a model on pictures that it was not made for (docs/experiments.md):
// node --import tsx tools/degrade-crops.ts CROPS OUT. CROPS is a folder or a zip of crops, 112 high and 112 or 96 wide; the narrow ones get 8
// columns on either side that repeat the outermost. OUT is a folder of the same names.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { packageVersion } from '../src/common/index.js';
import { alignmentSpec, templates } from '../src/faces/template.js';
import { openImageSource } from '../src/images/index.js';

/** Pixels a side, and the JPEG quality, at which the face is kept for a moment. */
const [side, quality] = [32, 40];
const size = 112;
const kernel = 'cubic';

const [from, to] = process.argv.slice(2);
if (from === undefined || to === undefined) {
  process.stderr.write('usage: node --import tsx tools/degrade-crops.ts CROPS OUT\n');
  process.exit(2);
}

const widened = (bytes: Uint8Array, beside: number): Promise<Uint8Array> =>
  sharp(bytes).extend({ left: beside, right: beside, extendWith: 'copy' }).jpeg({ quality: 95 }).toBuffer();

await using source = await openImageSource(from);
for (const [index, { file }] of source.entries.entries()) {
  const bytes = await source.read(index);
  const { width, height } = await sharp(bytes).metadata();
  if (height !== size || (width !== size && width !== 96))
    throw new Error(`${file} has ${width} x ${height} pixels, expected 112 or 96 x 112`);
  const beside = (size - width) / 2;
  const square = beside === 0 ? bytes : await widened(bytes, beside);
  const small = await sharp(square).resize(side, side, { kernel }).greyscale().jpeg({ quality }).toBuffer();
  const large = sharp(small).resize(size, size, { kernel }).toColourspace('srgb').jpeg({ quality: 95 });
  const path = join(to, file.replace(/\.\w+$/, '.jpg'));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, await large.toBuffer());
}
const count = source.entries.length;
const manifest = {
  kind: 'sphereface-aligned',
  packageVersion,
  alignment: alignmentSpec(templates['112x112'], 'cp2tform'),
  width: size,
  height: size,
  settings: { degraded: { side, quality, kernel } },
  counts: { photos: count, aligned: count, withoutFace: 0, unreadable: 0 },
};
await writeFile(join(to, 'manifest.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
