// The page, built and opened in a browser: it needs no network once loaded, sends nothing, and says what the command says.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { registerVerify } from '../src/cli/verify.js';
import { openModel } from '../src/models/index.js';
import { writeSyntheticCrops, writeSyntheticPhotos } from '../src/synthetic/index.js';
import { browserThere, browserTitle, launchBrowser, serve, type Served } from '../src/testing/browser.js';
import { runCommand } from '../src/testing/command.js';
import { narrowFaceModel } from '../src/testing/face-model.js';
import { testWeights } from '../src/testing/mtcnn-weights.js';

const { folder: detector, why } = browserThere ? await testWeights() : { folder: undefined, why: browserTitle };

describe.skipIf(!browserThere)(`the page ${browserTitle}`, () => {
  let folder: string;
  let browser: Browser;
  let server: Served;
  let elsewhere: Served;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sphereface-page-'));
    const page = fileURLToPath(new URL('.', import.meta.url));
    const out = join(folder, 'page');
    await build({ configFile: join(page, 'vite.config.ts'), logLevel: 'error', build: { outDir: out } });
    server = await serve({
      ...(detector === undefined ? {} : { '/any/path/detector/': detector }),
      '/any/path/': out,
    });
    elsewhere = await serve({ '/': folder });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await server[Symbol.asyncDispose]();
    await elsewhere[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** The page once it is ready, with what went wrong on it. */
  async function opened(width = 1280): Promise<{ readonly tab: Page; readonly problems: string[] }> {
    const context = await browser.newContext({ viewport: { width, height: 800 } });
    const tab = await context.newPage();
    const problems: string[] = [];
    tab.on('pageerror', (error) => problems.push(error.message));
    await tab.goto(`${server.address}any/path/`);
    await said(tab, '#setup-status', /Ready/);
    return { tab, problems };
  }

  async function said(tab: Page, place: string, text: RegExp): Promise<string> {
    const wanted = [place, text.source] as const;
    await tab.waitForFunction(
      ([at, source]) => new RegExp(source).test(document.querySelector(at)!.textContent),
      wanted,
      {
        timeout: 100_000,
      },
    );
    return (await tab.textContent(place))!;
  }

  it('trains and exports with the network cut, and asks the server for nothing more', async () => {
    await writeSyntheticCrops(join(folder, 'crops'), { identities: 12, photosPerIdentity: 5, seed: 1 });
    const { tab, problems } = await opened();
    await tab.context().setOffline(true);
    const before = server.requests.length;
    await tab.click('#tab-train');
    await tab.check('input[value="crops"]');
    await tab.setInputFiles('#people-input', join(folder, 'crops'));
    expect(await tab.textContent('#people-count')).toBe('12 people, 60 pictures');
    await tab.fill('#iterations', '20');
    await tab.click('#train');
    const result = await said(tab, '#train-result', /12 people, 60 pictures/);
    expect(result).toMatch(/Of \d+ pairs of pictures that were held out, \d+\.\d % are told apart/);
    expect(await tab.getAttribute('#sphere svg', 'aria-label')).toBe("The classifier's sphere with 12 people");
    expect(await tab.locator('#sphere circle.point').count()).toBe(12);
    expect(await tab.getAttribute('#loss svg', 'aria-label')).toMatch(/^Loss: \d.* after 20 steps$/);

    const save = async (name: string) => {
      const [download] = await Promise.all([tab.waitForEvent('download'), tab.click(`a[download="${name}"]`)]);
      return readFile(await download.path());
    };
    await using model = await openModel(await save('model.onnx'), { threads: 1 });
    expect(model.embeddingSize).toBe(128);
    expect(model.metadata.calibration?.data).toMatch(/held out of the 12 people/);
    expect(String(await save('report.html'))).toMatch(/<svg/);
    expect(
      String(await save('log.jsonl'))
        .trim()
        .split('\n'),
    ).toHaveLength(4);
    expect(server.requests.slice(before)).toEqual([]);
    expect(problems).toEqual([]);
    await tab.context().close();
  });

  it('may send nothing elsewhere, neither from the page nor from its worker', async () => {
    const { tab } = await opened();
    const send = (address: string): Promise<string> =>
      fetch(address, { method: 'POST', body: 'a photo', mode: 'no-cors' }).then(
        () => 'sent',
        () => 'refused',
      );
    expect(await tab.evaluate(send, elsewhere.address)).toBe('refused');
    const [worker] = tab.workers();
    expect(await worker.evaluate(send, elsewhere.address)).toBe('refused');
    expect(elsewhere.requests).toEqual([]);
    await tab.context().close();
  });

  it.skipIf(detector === undefined)(`says of two photos what the command says ${why}`, async () => {
    await writeSyntheticPhotos(join(folder, 'people'), { identities: 2, photosPerIdentity: 1, size: 160 });
    const [a, b] = ['person-000/00.jpg', 'person-001/00.jpg'].map((name) => join(folder, 'people', name));
    const model = join(folder, 'model.onnx');
    await writeFile(model, narrowFaceModel());
    const { tab } = await opened();
    await tab.setInputFiles('#model-input', model);
    await said(tab, '#setup-status', /is open/);
    await tab.setInputFiles('#first', a);
    await tab.setInputFiles('#second', b);
    await tab.fill('#threshold', '0.5');
    await tab.click('#verify');
    await said(tab, '#verify-result', /Similarity/);
    const similarity = Number(await tab.getAttribute('#similarity', 'value'));
    const command = await runCommand(registerVerify, [
      'verify',
      model,
      a,
      b,
      '--models',
      detector!,
      '--threshold',
      '0.5',
      '--json',
    ]);
    const expected = JSON.parse(command.stdout) as { readonly similarity: number };
    expect(Math.abs(similarity - expected.similarity)).toBeLessThan(1e-3);

    await tab.click('#tab-people');
    await tab.setInputFiles('#photos', [a, b, a]);
    await tab.fill('#threshold', '0.9999');
    await tab.click('#find');
    expect(await said(tab, '#find-status', /person|people/)).toBe('3 faces of 2 people.');
    expect(await tab.locator('#people h3').allTextContents()).toEqual(['Person 1, 2 faces', 'Seen once each']);
    await tab.context().close();
  });

  it('is used by keyboard, names its fields, and fits a phone', async () => {
    const { tab } = await opened(360);
    await tab.focus('#tab-verify');
    for (const tabName of ['people', 'train', 'verify']) {
      await tab.keyboard.press('ArrowRight');
      expect(await tab.evaluate(() => document.activeElement?.id)).toBe(`tab-${tabName}`);
      expect(await tab.locator('[role="tabpanel"]:visible').getAttribute('id')).toBe(`panel-${tabName}`);
      const [content, view] = await tab.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      expect(content).toBeLessThanOrEqual(view);
    }
    const nameless = await tab.evaluate(() =>
      [...document.querySelectorAll('input')].filter((input) => (input.labels?.length ?? 0) === 0).map(({ id }) => id),
    );
    expect(nameless).toEqual([]);
    await tab.context().close();
  });
});
