// The starter embedder on LFW view 1: accuracy on its test pairs, and the thresholds that src/models/starter/description.ts holds.
// node --import tsx tools/calibrate-starter.ts SHARED WORK: SHARED holds data/ (see its README), WORK takes crops and results. Run again, it
// goes on where it stopped. Matched pairs are those of the training half; mismatched are all photos of different people in it, so that low
// rates can be told apart.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { calibrate, cosine, meanDirection, parsePairs, rocCurve } from '../src/evaluation/index.js';
import { loadStarter, readEmbeddings } from '../src/models/index.js';

const [shared, work] = process.argv.slice(2);
if (shared === undefined || work === undefined) {
  process.stderr.write('usage: node --import tsx tools/calibrate-starter.ts SHARED WORK\n');
  process.exit(2);
}
mkdirSync(work, { recursive: true });
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const sphereface = (...args: string[]): string =>
  execFileSync(process.execPath, ['--import', 'tsx', main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });

const { path: model } = await loadStarter({ cache: join(work, 'cache') });
const crops = join(work, 'lfw-view1-150x150');
const embeddings = join(work, 'embeddings.npz');
sphereface('prepare', join(shared, 'data/lfw-view1-photos.zip'), '-o', crops, '--size', '150x150');
sphereface('embed', model, crops, '-o', embeddings, '--flip');

const { files, embeddings: values, width } = await readEmbeddings(embeddings);
const rowOf = new Map(files.map((file, i) => [file, meanDirection([values.subarray(i * width, (i + 1) * width)])]));
const pairsOf = (name: string) => parsePairs(readFileSync(join(shared, 'data', name), 'utf8'), name).pairs;
const row = (file: string): Float32Array => {
  const found = rowOf.get(file);
  if (found === undefined) throw new Error(`no embedding of ${file}`);
  return found;
};

/** The ROC of a half's matched pairs against all its photos of different people. */
function curveOf(name: string) {
  const pairs = pairsOf(name);
  const matched = pairs.filter(({ same }) => same).map(({ a, b }) => cosine(row(a), row(b)));
  const photos = [...new Set(pairs.flatMap(({ a, b }) => [a, b]))];
  const person = photos.map((file) => file.slice(0, file.indexOf('/')));
  const rows = photos.map(row);
  const mismatched: number[] = [];
  for (let i = 0; i < photos.length; i++) {
    for (let j = 0; j < i; j++) if (person[i] !== person[j]) mismatched.push(dot(rows[i]!, rows[j]!));
  }
  const same = new Uint8Array(matched.length + mismatched.length).fill(1, 0, matched.length);
  return rocCurve(Float64Array.from([...matched, ...mismatched]), same);
}

/** The cosine of directions. */
function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const rates = [1e-2, 1e-3, 1e-4];
const training = curveOf('pairsDevTrain.txt');
const thresholds = calibrate(training, rates);
process.stdout.write(`${training.matched} matched, ${training.mismatched} mismatched\n${JSON.stringify(thresholds)}\n`);
const test = curveOf('pairsDevTest.txt');
for (const { threshold, falseAcceptRate } of thresholds) {
  // The lowest point at or above the threshold is what it accepts.
  const point = test.thresholds.findLastIndex((score) => score > threshold);
  process.stdout.write(
    `${falseAcceptRate}: on the test half false accepts ${test.falseAccepts[point]! / test.mismatched}, true accepts ${test.trueAccepts[point]! / test.matched}\n`,
  );
}
for (const flip of [true, false]) {
  const result = JSON.parse(
    sphereface(
      ...['evaluate', model, '--pairs', join(shared, 'data/pairsDevTest.txt')],
      ...['--threshold-pairs', join(shared, 'data/pairsDevTrain.txt'), '--images', crops],
      ...['-o', join(work, flip ? 'report' : 'report-no-flip'), '--json', ...(flip ? [] : ['--no-flip'])],
    ),
  ) as { readonly accuracy: { readonly mean: number } };
  process.stdout.write(
    `view 1, test pairs, ${flip ? 'with' : 'without'} the mirrored picture: ${result.accuracy.mean}\n`,
  );
}
