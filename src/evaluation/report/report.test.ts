// The report: the parts in its text, and in a real browser: charts, widths from phone to paper, no script, no error.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { browserThere, browserTitle, launchBrowser } from '../../testing/browser.js';
import { evaluatePairs } from '../evaluate.js';
import { worstMistakes } from '../mistakes.js';
import { rocCurve } from '../metrics/index.js';
import { detChart } from './charts.js';
import { pictureAddress } from './files.js';
import { probit } from './probit.js';
import { renderReport, type ReportContent } from './report.js';

/** A report on random embeddings, with mistakes, missing pairs, identification and names that need escaping. */
async function sample(): Promise<ReportContent> {
  const [count, size] = [2000, 32];
  const random = new Random(1);
  const data = Float32Array.from({ length: 2 * count * size }, () => random.gaussian());
  const same = Uint8Array.from({ length: count }, (_, i) => Number(i % 200 < 100));
  for (let pair = 0; pair < count; pair++) {
    if (same[pair] === 0) continue;
    for (let i = 0; i < size; i++) data[(2 * pair + 1) * size + i] += 0.9 * data[2 * pair * size + i];
  }
  const evaluation = evaluatePairs({
    protocol: '10-fold',
    embeddings: { data, count: 2 * count, size },
    pairs: {
      left: Int32Array.from({ length: count }, (_, i) => 2 * i),
      right: Int32Array.from({ length: count }, (_, i) => 2 * i + 1),
      same,
      fold: Uint32Array.from({ length: count }, (_, i) => Math.floor(i / 200)),
      folds: 10,
    },
    bootstrap: { replicates: 100, seed: 1, level: 0.95 },
  });
  const pixels = Buffer.from(Array.from({ length: 96 * 112 * 3 }, (_, i) => (i * 7) % 256));
  const picture = await pictureAddress(
    await sharp(pixels, { raw: { width: 96, height: 112, channels: 3 } })
      .png()
      .toBuffer(),
  );
  const pictured = ({ pair, score, threshold }: { pair: number; score: number; threshold: number }) => ({
    a: `a/${pair}<script>alert(1)</script>.png`,
    b: `b/${pair}.png`,
    score,
    threshold,
    pictures: [picture, picture] as const,
  });
  const { falseAccepts, falseRejects } = worstMistakes(evaluation, 6);
  return {
    model: 'model <20>.onnx',
    evaluation,
    identification: {
      galleryImages: 120,
      galleryIdentities: 60,
      probesWithMate: 100,
      strangers: 50,
      rankRates: { '1': 0.9, '5': 0.97 },
      tpirAtFpir: { '1e-1': 0.8 },
      tpirAtFpirUnsupported: { '1e-2': 'needs 100 probes without a mate, got 50' },
    },
    pairs: count + 2,
    missing: [
      { line: 7, a: 'x/1', b: 'x/2', reason: 'no image x/2' },
      { line: 9, a: 'y/1', b: 'x/2', reason: 'no image x/2' },
    ],
    falseAccepts: falseAccepts.map(pictured),
    falseRejects: falseRejects.map(pictured),
    modelFacts: [['alignment', 'template sphereface-112x96, solver cp2tform, version 1']],
    dataFacts: [['pairs', 'pairs.txt']],
    packageVersion: '0.0.0',
  };
}

let content: ReportContent;
let page: string;
beforeAll(async () => {
  content = await sample();
  page = renderReport(content);
});

describe('the page', () => {
  it('names protocol, accuracy, missing pairs, and what the pairs cannot tell', () => {
    const { numbers } = content.evaluation;
    expect(page).toContain(`${(numbers.accuracy.mean * 100).toFixed(2)} %`);
    expect(page).toMatch(/10-fold/);
    expect(page).toContain('2,000 of 2,002 pairs were used');
    expect(page).toContain('line 7: x/1, x/2: no image x/2');
    expect(page).toContain('needs 10,000 mismatched pairs, got 1,000');
    expect(page).toContain('solver cp2tform');
  });

  it('escapes names, and needs nothing from outside', () => {
    expect(page).toContain('model &lt;20&gt;.onnx');
    expect(page).not.toMatch(/<script|<link|<iframe|javascript:|@import/);
    for (const [, address] of page.matchAll(/(?:src|href)="([^"]*)"/g)) expect(address).toMatch(/^(data:|#)/);
    for (const [, address] of page.matchAll(/url\(([^)]*)\)/g)) expect(address).toMatch(/^["']?#/);
  });

  it('pictures the mistakes furthest beyond the threshold first', () => {
    const { evaluation } = content;
    const { falseAccepts, falseRejects } = worstMistakes(evaluation, 6);
    expect(Math.min(falseAccepts.length, falseRejects.length)).toBeGreaterThan(1);
    for (const [kind, mistakes] of [falseRejects, falseAccepts].entries()) {
      const distances = mistakes.map(({ score, threshold }) => (score - threshold) * (kind === 0 ? -1 : 1));
      expect(distances).toEqual([...distances].sort((a, b) => b - a));
      expect(distances.every((distance) => distance >= 0)).toBe(true);
      expect(mistakes.every(({ pair }) => evaluation.same[pair] === 1 - kind)).toBe(true);
    }
  });
});

describe('charts', () => {
  it('has no DET curve where matched and mismatched pairs do not overlap', () => {
    expect(detChart(rocCurve(Float64Array.of(0.9, 0.1), Uint8Array.of(1, 0)))).toBeUndefined();
  });

  it('knows the normal quantiles', () => {
    // Wichura 1988 (AS 241), its test values, and the usual 97.5 %.
    for (const [p, z] of [
      [0.25, -0.6744897501960817],
      [0.001, -3.090232306167813],
      [1e-6, -4.753424308822899],
      [0.975, 1.959963984540054],
    ]) {
      expect(Math.abs(probit(p) - z)).toBeLessThan(1e-8);
    }
  });
});

describe.skipIf(!browserThere)(browserTitle, () => {
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sphereface-report-'));
    writeFileSync(join(folder, 'index.html'), page);
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['a phone', 360],
    ['a tablet', 768],
    ['a screen', 1280],
  ])('fits %s without script, error or sideways scrolling', async (_, width) => {
    const context = await browser.newContext({ viewport: { width, height: 800 }, javaScriptEnabled: true });
    const tab = await context.newPage();
    const problems: string[] = [];
    tab.on('console', (message) => problems.push(message.text()));
    tab.on('pageerror', (error) => problems.push(error.message));
    tab.on('request', (request) => {
      if (!/^(file|data):/.test(request.url())) problems.push(request.url());
    });
    await tab.goto(pathToFileURL(join(folder, 'index.html')).href);
    const seen = await tab.evaluate(`({
      overflow: document.documentElement.scrollWidth - innerWidth,
      scripts: document.scripts.length,
      charts: [...document.querySelectorAll('.charts svg')].map((svg) => ({
        width: svg.getBoundingClientRect().width,
        lines: [...svg.querySelectorAll('path')].filter((path) => path.getTotalLength() > 100).length,
        words: svg.textContent,
        // Text in a drawing shrinks with it: the smallest size it is shown at.
        text: Math.min(...[...svg.querySelectorAll('text')].map((text) => parseFloat(getComputedStyle(text).fontSize))) *
          svg.getBoundingClientRect().width / svg.viewBox.baseVal.width,
      })),
      ids: [...document.querySelectorAll('[id]')].map((element) => element.id),
      pictures: [...document.images].map((image) => image.naturalWidth),
      folds: document.querySelectorAll('.folds tbody tr').length,
    })`);
    const { overflow, scripts, charts, ids, pictures, folds } = seen as {
      overflow: number;
      scripts: number;
      charts: { width: number; lines: number; words: string; text: number }[];
      ids: string[];
      pictures: number[];
      folds: number;
    };
    expect(problems).toEqual([]);
    expect([overflow, scripts, folds]).toEqual([0, 0, 10]);
    expect(charts).toHaveLength(4);
    expect(charts.map(({ words }) => words)).toEqual([
      expect.stringContaining('true-accept rate'),
      expect.stringContaining('false-reject rate'),
      expect.stringContaining('similarity'),
      expect.stringContaining('threshold'),
    ]);
    for (const chart of charts) {
      expect(chart.width).toBeGreaterThan(300);
      expect(chart.lines).toBeGreaterThan(0);
      expect(chart.text).toBeGreaterThan(9);
    }
    expect(new Set(ids).size).toBe(ids.length);
    expect(pictures).toHaveLength(2 * (content.falseAccepts.length + content.falseRejects.length));
    expect(pictures.every((pixels) => pixels === 96)).toBe(true);
    await context.close();
  });

  it('reads the same without JavaScript, and prints', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const tab = await context.newPage();
    await tab.goto(pathToFileURL(join(folder, 'index.html')).href);
    expect(await tab.locator('.charts svg').count()).toBe(4);
    expect(await tab.locator('.headline strong').textContent()).toMatch(/^\d+\.\d\d %$/);
    const pdf = await tab.pdf({ format: 'A4' });
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    await context.close();
  });
});
