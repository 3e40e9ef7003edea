// Evaluation's arithmetic: all metrics of 6,000 pairs of 1,024-d embeddings, and the ROC of 10 million scores.
import { Random } from '../dist/common/random.js';
import {
  areaUnderCurve,
  equalErrorRate,
  rocCurve,
  trueAcceptRateAt,
  type Embeddings,
} from '../dist/evaluation/metrics/index.js';
import { evaluatePairs } from '../dist/evaluation/evaluate.js';

/** Prints one JSON line per measurement; `args` may name one of `pairs` and `roc`. */
export function run(args: readonly string[]): void {
  const wanted = (name: string): boolean => args.length === 0 || args.includes(name);
  if (wanted('pairs')) report('6,000 pairs x 1,024, every metric with 1,000 bootstrap resamples', 5, view2);
  if (wanted('roc')) report('ROC, AUC, EER, TAR at FAR of 10,000,000 scores', 3, manyScores);
}

/** Runs `prepare` once and what it returns `times` times; prints best and median seconds and the peak memory. */
function report(name: string, times: number, prepare: () => () => unknown): void {
  const work = prepare();
  const before = process.cpuUsage();
  const seconds = Array.from({ length: times }, () => {
    const start = performance.now();
    work();
    return (performance.now() - start) / 1000;
  }).sort((a, b) => a - b);
  const { user, system } = process.cpuUsage(before);
  const round = (value: number): number => Math.round(value * 1000) / 1000;
  console.log(
    JSON.stringify({
      name,
      bestSeconds: round(seconds[0]),
      medianSeconds: round(seconds[times >> 1]),
      // On a busy machine the wall clock also counts the waiting.
      meanCpuSeconds: round((user + system) / 1e6 / times),
      peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
    }),
  );
}

function view2(): () => unknown {
  const [count, size] = [6000, 1024];
  const random = new Random(1);
  const data = Float32Array.from({ length: 2 * count * size }, () => random.gaussian());
  const same = Uint8Array.from({ length: count }, (_, i) => Number(i % 600 < 300));
  for (let pair = 0; pair < count; pair++) {
    if (same[pair] === 0) continue;
    for (let i = 0; i < size; i++) data[(2 * pair + 1) * size + i] += 0.1 * data[2 * pair * size + i];
  }
  const embeddings: Embeddings = { data, count: 2 * count, size };
  const pairs = {
    left: Int32Array.from({ length: count }, (_, i) => 2 * i),
    right: Int32Array.from({ length: count }, (_, i) => 2 * i + 1),
    same,
    fold: Uint32Array.from({ length: count }, (_, i) => Math.floor(i / 600)),
    folds: 10,
  };
  return () => evaluatePairs({ protocol: '10-fold', embeddings, pairs });
}

function manyScores(): () => unknown {
  const random = new Random(2);
  const count = 10_000_000;
  const scores = new Float64Array(count);
  const same = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    same[i] = random.uint32() & 1;
    scores[i] = random.uniform() - 0.5 + 0.3 * same[i];
  }
  return () => {
    const curve = rocCurve(scores, same);
    return [areaUnderCurve(curve), equalErrorRate(curve), ...[1e-1, 1e-6].map((far) => trueAcceptRateAt(curve, far))];
  };
}
