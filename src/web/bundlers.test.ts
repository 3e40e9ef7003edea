// The built package in an empty project, bundled by esbuild and by Vite as they come, and at work in a browser.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import type { Browser } from 'playwright-core';
import { build as vite } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../models/index.js';
import { syntheticConditions, syntheticCrop, syntheticPerson } from '../synthetic/index.js';
import { browserThere, browserTitle, launchBrowser, serve } from '../testing/browser.js';
import { built, compile, install, pack, root } from '../testing/installed-package.js';
import { examplesOf } from '../testing/markdown-examples.js';
import type * as Web from './index.js';

const entry = `import * as web from 'sphereface-plus/web';\nglobalThis.web = web;\n`;

describe.skipIf(!built)(
  built ? 'sphereface-plus/web' : 'sphereface-plus/web (skipped: run npm run build first)',
  () => {
    let folder: string;
    let project: string;
    let browser: Browser | undefined;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'sphereface-bundlers-'));
      project = join(folder, 'project');
      const { filename } = await pack(folder);
      await install(join(folder, filename), project);
      await symlink(
        join(root, 'node_modules', 'onnxruntime-web'),
        join(project, 'node_modules', 'onnxruntime-web'),
        'dir',
      );
      await writeFile(join(project, 'entry.js'), entry);
      await writeFile(join(project, 'index.html'), '<!doctype html><script type="module" src="./entry.js"></script>');
      if (browserThere) browser = await launchBrowser();
    });
    afterAll(async () => {
      await browser?.close();
      await rm(folder, { recursive: true, force: true });
    });

    it('has examples in docs/browser.md that compile', async () => {
      const page = await readFile(join(root, 'docs', 'browser.md'), 'utf8');
      const examples = examplesOf(page).filter(({ language }) => language === 'ts');
      expect(examples.length).toBeGreaterThan(1);
      const files = examples.map((_, i) => `example-${i}.ts`);
      for (const [i, { code }] of examples.entries()) await writeFile(join(project, files[i]), code);
      await compile(project, files, 'bundler');
    });

    const bundles = {
      esbuild: async () => {
        const out = join(folder, 'esbuild');
        await mkdir(out);
        await esbuild({ absWorkingDir: project, entryPoints: ['entry.js'], bundle: true, format: 'esm', outdir: out });
        await writeFile(join(out, 'index.html'), '<!doctype html><script type="module" src="./entry.js"></script>');
        return out;
      },
      Vite: async () => {
        const out = join(folder, 'vite');
        // Only where the project is and where the result goes; silent, as its advice on sizes is no failure.
        await vite({ root: project, configFile: false, logLevel: 'error', build: { outDir: out } });
        return out;
      },
    };

    it.skipIf(!browserThere).each([
      // esbuild leaves the engine's files where they are: the page says where that is.
      ['esbuild', '/engine/'],
      ['Vite', undefined],
    ] as const)(
      `is bundled by %s without configuration, trains and exports ${browserTitle}`,
      async (bundler, wasmFolder) => {
        const page = await bundles[bundler]();
        await using server = await serve({ '/engine/': join(root, 'node_modules/onnxruntime-web/dist'), '/': page });
        const tab = await browser!.newPage();
        const problems: string[] = [];
        tab.on('pageerror', (error) => problems.push(error.message));
        await tab.goto(server.address);
        await tab.waitForFunction(() => 'web' in globalThis);
        const { model, embeddings, losses, engine, status } = await tab.evaluate(async (given) => {
          const { web } = globalThis as unknown as { web: typeof Web };
          const { description } = await web.startEngine({
            device: 'wasm',
            ...(given === undefined ? {} : { wasmFolder: given }),
          });
          const people = Array.from({ length: 4 }, (_, person) => {
            const looks = web.syntheticPerson(1, person);
            const photo = (number: number) =>
              web.syntheticCrop(looks, web.syntheticConditions(1, person, number, looks));
            return { name: `person ${person}`, crops: Array.from({ length: 5 }, (__, number) => photo(number)) };
          });
          const recipe = web.pageRecipe(30);
          const stop = new AbortController();
          const trained = await web.trainModel(people, {
            recipe,
            signal: stop.signal,
            onProgress: ({ iteration }) => {
              if (iteration === 20) stop.abort();
            },
          });
          const network = await web.openModelBytes(trained.model, 'model.onnx');
          const rows = await network.embed([people[1].crops[0]]);
          return {
            model: [...trained.model],
            embeddings: [...rows],
            losses: trained.lines.map(({ accuracy }) => accuracy),
            engine: description,
            status: trained.status,
          };
        }, wasmFolder);
        expect(problems).toEqual([]);
        expect(engine).toBe('wasm (onnxruntime-web, as asked for, 1 thread)');
        expect(status).toBe('stopped');
        expect(losses).toHaveLength(4);
        // Where steps did not reach the parameters, a quarter of the pictures would stay nearest to their own person.
        expect(losses.at(-1)).toBeGreaterThan(0.6);

        const looks = syntheticPerson(1, 1);
        await using network = await openModel(Uint8Array.from(model), { threads: 1 });
        const here = await network.embed([syntheticCrop(looks, syntheticConditions(1, 1, 0, looks))]);
        expect(Math.hypot(...here)).toBeGreaterThan(1);
        for (const [i, value] of embeddings.entries()) expect(Math.abs(value - here[i])).toBeLessThan(1e-4);
        await tab.close();
      },
      // Some seconds by itself; beside other work on two cores, a minute.
      240_000,
    );
  },
);
