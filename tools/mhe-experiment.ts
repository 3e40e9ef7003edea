// The experiment of docs/experiments.md: short fine-tunes from one common start, with and without the hyperspherical energy.
//
//   npm run build
//   node --import tsx tools/mhe-experiment.ts --start RUN --data FACES --images LFW --pairs pairsDevTest.txt \
//     --threshold-pairs pairsDevTrain.txt --recipe sphereface-plus-m1-small -o OUT [--seeds 3] [--shares 0,0.2,1] [--iterations 300]
//
// Each share of the auto-weighted energy (0: no energy at all) is trained with every seed and evaluated on view 1. A line of
// JSON per run goes to OUT/results.jsonl (runs that are in it already are not repeated), and the table to stdout.
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: given } = parseArgs({
  options: {
    start: { type: 'string' },
    data: { type: 'string' },
    images: { type: 'string' },
    pairs: { type: 'string' },
    'threshold-pairs': { type: 'string' },
    recipe: { type: 'string' },
    output: { type: 'string', short: 'o' },
    seeds: { type: 'string', default: '3' },
    shares: { type: 'string', default: '0,0.2,1' },
    iterations: { type: 'string', default: '300' },
  },
});

function required(name: 'start' | 'data' | 'images' | 'pairs' | 'threshold-pairs' | 'recipe' | 'output'): string {
  const value = given[name];
  if (value === undefined) throw new Error(`--${name} is missing; the first lines of this file show how it is called`);
  return value;
}

const command = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/** Runs `sphereface` and gives its `--json` result. */
function sphereface(...args: string[]): Record<string, unknown> {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args, '--json'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`sphereface ${args.join(' ')} failed:\n${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

interface Result {
  readonly share: number;
  readonly seed: number;
  readonly accuracy: number;
  readonly minimumAngle: number;
  readonly meanAngle: number;
  readonly energy: number | null;
  readonly classification: number;
  readonly trainAccuracy: number;
}

const out = required('output');
mkdirSync(out, { recursive: true });
const file = join(out, 'results.jsonl');
const results: Result[] = existsSync(file)
  ? readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Result)
  : [];

/** Without energy in the loss its value is still of interest: an all but weightless one is measured, 1e-9 of the gradient. */
function energySetting(share: number): string {
  return `loss.energy.weight={type: auto, share: ${share === 0 ? 1e-9 : share}}`;
}

const shares = given.shares.split(',').map(Number);
const seeds = Array.from({ length: Number(given.seeds) }, (_, i) => i + 1);
for (const seed of seeds) {
  for (const share of shares) {
    if (results.some((result) => result.share === share && result.seed === seed)) continue;
    const run = join(out, `share-${share}-seed-${seed}`);
    rmSync(run, { recursive: true, force: true });
    const settings = [energySetting(share), `seed=${seed}`, `solver.iterations=${given.iterations}`, 'log.display=50'];
    const trained = sphereface(
      ...['train', required('data'), '--recipe', required('recipe'), '--init', required('start'), '-o', run],
      ...settings.flatMap((setting) => ['--set', setting]),
    );
    const report = sphereface(
      ...['evaluate', join(run, 'model.onnx'), '--images', required('images'), '--pairs', required('pairs')],
      ...['--threshold-pairs', required('threshold-pairs'), '-o', join(run, 'view1')],
    );
    const line = trained.lastLine as {
      terms: { classification: number };
      accuracy: number;
      minimumAngle: number;
      meanAngle: number;
      energy: number | null;
    };
    const result: Result = {
      share,
      seed,
      accuracy: (report.accuracy as { mean: number }).mean,
      minimumAngle: line.minimumAngle,
      meanAngle: line.meanAngle,
      energy: line.energy,
      classification: line.terms.classification,
      trainAccuracy: line.accuracy,
    };
    results.push(result);
    appendFileSync(file, `${JSON.stringify(result)}\n`);
    process.stderr.write(`${JSON.stringify(result)}\n`);
  }
}

/** Mean ± sample standard deviation of one figure over the seeds. */
function spread(share: number, figure: (result: Result) => number, digits: number): string {
  const list = results.filter((result) => result.share === share).map(figure);
  const mean = list.reduce((total, x) => total + x, 0) / list.length;
  const variance = list.reduce((total, x) => total + (x - mean) ** 2, 0) / Math.max(list.length - 1, 1);
  return `${mean.toFixed(digits)} ± ${Math.sqrt(variance).toFixed(digits)}`;
}

console.log('| share | view 1, % | smallest angle, ° | mean angle, ° | energy | classification loss |');
console.log('| --- | --- | --- | --- | --- | --- |');
for (const share of shares) {
  const cells = [
    share === 0 ? 'none' : String(share),
    spread(share, (result) => 100 * result.accuracy, 2),
    spread(share, (result) => result.minimumAngle, 2),
    spread(share, (result) => result.meanAngle, 3),
    spread(share, (result) => result.energy ?? NaN, 5),
    spread(share, (result) => result.classification, 3),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
