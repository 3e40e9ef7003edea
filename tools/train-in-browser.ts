// The measured run of docs/browser.md: Chromium trains on synthetic people on WebAssembly, and Node embeds with what it exports.
// Usage: npm run --silent build && npx tsx tools/train-in-browser.ts [people] [photos each] [iterations]
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { openModel } from '../dist/models/index.js';
import { areaUnderCurve, bestThreshold, cosineScores, drawPairs, rocCurve } from '../dist/evaluation/index.js';
import { Random } from '../dist/common/random.js';
import { syntheticConditions, syntheticCrop, syntheticPerson } from '../dist/synthetic/index.js';
import type * as Web from '../dist/web/index.js';
import { launchBrowser, serve } from '../src/testing/browser.js';

const [people = 12, photos = 40, iterations = 600] = process.argv.slice(2).map(Number);
const root = fileURLToPath(new URL('..', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'sphereface-browser-'));
try {
  await build({
    stdin: { contents: "import * as web from 'sphereface-plus/web'; globalThis.web = web;", resolveDir: root },
    bundle: true,
    format: 'esm',
    outfile: join(folder, 'page.js'),
  });
  await writeFile(join(folder, 'index.html'), '<!doctype html><script type="module" src="page.js"></script>');
  await using server = await serve({ '/ort/': join(root, 'node_modules/onnxruntime-web/dist'), '/': folder });
  const browser = await launchBrowser();
  try {
    const tab = await browser.newPage();
    tab.on('console', (message) => console.log(message.text()));
    tab.on('pageerror', (error) => console.error(error));
    await tab.goto(server.address);
    await tab.waitForFunction(() => 'web' in globalThis);
    const result = await tab.evaluate(
      async ([count, each, steps]) => {
        const { web } = globalThis as unknown as { web: typeof Web };
        const { description } = await web.startEngine({ device: 'wasm', wasmFolder: '/ort' });
        console.log(description);
        const trained = Array.from({ length: count }, (_, person) => {
          const looks = web.syntheticPerson(1, person);
          const crops = Array.from({ length: each }, (_, photo) =>
            web.syntheticCrop(looks, web.syntheticConditions(1, person, photo, looks)),
          );
          return { name: `person ${person}`, crops };
        });
        const started = performance.now();
        const { model, heldOut, status } = await web.trainModel(trained, {
          recipe: web.pageRecipe(steps),
          onProgress({ iteration, line }) {
            if (iteration % 50 > 0) return;
            const { loss, lambda, energy, minimumAngle, accuracy } = line;
            console.log(JSON.stringify({ iteration, loss, lambda, energy, minimumAngle, accuracy }));
          },
        });
        return { seconds: (performance.now() - started) / 1000, model: [...model], heldOut, status };
      },
      [people, photos, iterations],
    );
    const { model: bytes, ...rest } = result;
    console.log(rest);
    await using model = await openModel(Uint8Array.from(bytes), { threads: 1 });
    // People whom it has never seen, besides.
    const others = Array.from({ length: 24 }, (_, i) => {
      const looks = syntheticPerson(1, 1000 + i);
      return Array.from({ length: 8 }, (_, photo) =>
        syntheticCrop(looks, syntheticConditions(1, 1000 + i, photo, looks)),
      );
    });
    const crops = others.flat();
    const draw = drawPairs(
      others.map((own, i) => own.map((_, k) => String(i * 8 + k))),
      600,
      new Random(1),
    );
    const pairs = [...draw.matched, ...draw.mismatched];
    const same = Uint8Array.from(pairs, (pair) => Number(pair.same));
    const set = {
      left: Int32Array.from(pairs, ({ a }) => Number(a)),
      right: Int32Array.from(pairs, ({ b }) => Number(b)),
      same,
    };
    const data = await model.embed(crops, { flip: true });
    const curve = rocCurve(cosineScores({ data, count: crops.length, size: 2 * model.embeddingSize }, set), same);
    console.log('people not trained on:', bestThreshold(curve).accuracy, 'AUC', areaUnderCurve(curve));
  } finally {
    await browser.close();
  }
} finally {
  await rm(folder, { recursive: true });
}
