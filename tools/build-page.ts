// Builds the page (docs/browser.md) into web/dist, with the detector beside it.
// Usage: npm run web:build [-- --models FOLDER]
import { copyFile, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'vite';
import { loadMtcnnWeights, mtcnnOrigin } from '../src/faces/index.js';
import { weightFormats } from '../src/faces/mtcnn/weight-files.js';

const { values } = parseArgs({ options: { models: { type: 'string' } } });
const page = fileURLToPath(new URL('../web/', import.meta.url));

await build({ configFile: join(page, 'vite.config.ts') });

try {
  const models = values.models ?? process.env.SPHEREFACE_MODELS;
  const { folder } = await loadMtcnnWeights({ ...(models === undefined ? {} : { models }), log: console.log });
  const there = new Set(await readdir(folder));
  const names = weightFormats
    .map(({ files }) => Object.values(files))
    .find((files) => files.every((name) => there.has(name)))!;
  const beside = join(page, 'dist', 'detector');
  await mkdir(beside);
  for (const name of names) await copyFile(join(folder, name), join(beside, name));
  console.log(
    `web/dist is built, with ${mtcnnOrigin.title} (${mtcnnOrigin.licence}) beside it. Serve the folder from anywhere.`,
  );
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  console.log('web/dist is built without the face detector: its files have to be chosen on the page.');
}
