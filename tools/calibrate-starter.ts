// The starter embedder on LFW view 1: accuracy on its test pairs, and the thresholds that src/models/starter/description.ts holds.
// node --import tsx tools/calibrate-starter.ts SHARED WORK: SHARED holds data/lfw-view1-photos.zip,
// data/pairsDevTrain.txt and data/pairsDevTest.txt; WORK takes crops and results. Run again, it goes on where it stopped. Matched pairs are those of the training half; mismatched are all photos of different people in it, so that low
// rates can be told apart.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  calibrate,
  cosineScores,
  evaluatePairs,
  ImageNames,
  type PairSet,
  parsePairs,
  resolvePairs,
  type RocCurve,
  rocCurve,
} from '../src/evaluation/index.js';
import { loadStarter, readEmbeddings } from '../src/models/index.js';
import { sphereface } from './command.js';

const [shared, work] = process.argv.slice(2);
if (shared === undefined || work === undefined) {
  process.stderr.write('usage: node --import tsx tools/calibrate-starter.ts SHARED WORK\n');
  process.exit(2);
}
mkdirSync(work, { recursive: true });

const { path: model } = await loadStarter({ cache: join(work, 'cache') });
const crops = join(work, 'lfw-view1-150x150');
const embeddings = join(work, 'embeddings.npz');
sphereface('prepare', join(shared, 'data/lfw-view1-photos.zip'), '-o', crops, '--size', '150x150');
if (!existsSync(embeddings)) sphereface('embed', model, crops, '-o', embeddings, '--flip');

const { files, embeddings: values, width } = await readEmbeddings(embeddings);
const identityOf = (file: string): string => file.slice(0, file.indexOf('/'));
const names = new ImageNames(files.map((file) => ({ file, identity: identityOf(file) })));
/** The pairs of a half, by the rows of their photos. */
function pairsOf(name: string): PairSet {
  const { pairs } = parsePairs(readFileSync(join(shared!, 'data', name), 'utf8'), name);
  const { left, right, kept } = resolvePairs(pairs, names);
  return { left, right, same: Uint8Array.from(kept, (i) => Number(pairs[i]!.same)) };
}

const training = pairsOf('pairsDevTrain.txt');
const test = pairsOf('pairsDevTest.txt');

/** The ROC of a half's matched pairs against all its photos of different people. */
function curveOf({ left, right, same }: PairSet): RocCurve {
  const photos = [...new Set([...left, ...right])];
  const matched = [...left.keys()].filter((i) => same[i] === 1);
  const others = photos.flatMap((a, i) =>
    photos.slice(0, i).flatMap((b) => (identityOf(files[a]!) === identityOf(files[b]!) ? [] : [[a, b] as const])),
  );
  const pairs: PairSet = {
    left: Int32Array.from([...matched.map((i) => left[i]!), ...others.map(([a]) => a)]),
    right: Int32Array.from([...matched.map((i) => right[i]!), ...others.map(([, b]) => b)]),
    same: new Uint8Array(matched.length + others.length).fill(1, 0, matched.length),
  };
  const scores = cosineScores({ data: values, count: files.length, size: width }, pairs);
  return rocCurve(scores, pairs.same);
}

const curve = curveOf(training);
const thresholds = calibrate(curve, [1e-2, 1e-3, 1e-4]);
process.stdout.write(`${curve.matched} matched, ${curve.mismatched} mismatched\n${JSON.stringify(thresholds)}\n`);
const testCurve = curveOf(test);
for (const { threshold, falseAcceptRate } of thresholds) {
  const point = testCurve.thresholds.findLastIndex((score) => score > threshold);
  process.stdout.write(
    `${falseAcceptRate}: on the test half false accepts ${testCurve.falseAccepts[point]! / testCurve.mismatched}, true accepts ${testCurve.trueAccepts[point]! / testCurve.matched}\n`,
  );
}

// The first half of a row is the picture's own embedding, the second the mirrored one's.
const half = width / 2;
const plain = Float32Array.from(
  { length: values.length / 2 },
  (_, i) => values[Math.floor(i / half) * width + (i % half)]!,
);
for (const [words, data, size] of [
  ['with', values, width],
  ['without', plain, half],
] as const) {
  const embedded = { data, count: files.length, size };
  const { numbers } = evaluatePairs({ protocol: 'view1', embeddings: embedded, pairs: test, thresholdPairs: training });
  const { accuracy, auc, eer } = numbers;
  process.stdout.write(
    `view 1, test pairs, ${words} the mirrored picture: ${JSON.stringify(accuracy)}, AUC ${auc}, EER ${eer}\n`,
  );
}
