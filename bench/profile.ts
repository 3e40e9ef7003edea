// Where the time of a profiled run goes, by operator, and what share of this machine's matrix-product rate it reaches.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Graph, matmul, serialize, sum } from '../dist/graph/index.js';
import { float32, Session } from '../dist/runtime/index.js';
import { median } from './peer.js';

/** This machine's rate on a plain product of two 2048 x 2048 matrices, in FLOP/s. */
async function matrixRate(threads: number): Promise<number> {
  const size = 2048;
  const graph = new Graph();
  const [a, b] = ['a', 'b'].map((name) => graph.input(name, 'float32', [size, size]));
  const model = serialize(graph, { outputs: { y: sum(matmul(a, b)) }, target: { device: 'cpu' } });
  await using session = await Session.create(model, { threads });
  const matrix = float32(new Float32Array(size * size).fill(0.5), [size, size]);
  const times: number[] = [];
  for (let i = 0; i < 9; i++) {
    const start = performance.now();
    await session.run({ a: matrix, b: matrix });
    times.push(performance.now() - start);
  }
  return (2 * size ** 3) / (median(times) / 1000);
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

interface ProfiledSteps {
  readonly steps: number;
  readonly flopPerStep: number;
  readonly threads: number;
}

/**
 * Prints the later half of a profile.
 * @param work takes the steps in a session with this profile prefix, ends it, and returns the milliseconds of each.
 */
export async function printProfile(
  { steps, flopPerStep, threads }: ProfiledSteps,
  work: (profilePrefix: string) => Promise<readonly number[]>,
): Promise<void> {
  const rate = await matrixRate(threads);
  const folder = mkdtempSync(join(tmpdir(), 'sphereface-bench-'));
  try {
    const times = await work(join(folder, 'step'));
    const [file] = readdirSync(folder).filter((name) => name.startsWith('step'));
    const events = (JSON.parse(readFileSync(join(folder, file), 'utf8')) as ProfileEvent[]).filter(
      ({ cat, name }) => cat === 'Node' && name.endsWith('_kernel_time'),
    );
    const byOperator = new Map<string, number>();
    for (const { args, dur } of events.slice(events.length / 2)) {
      const operator = args!.op_name!;
      byOperator.set(operator, (byOperator.get(operator) ?? 0) + dur / 1000);
    }
    console.log('  time by operator of the step graph, ms a step:');
    for (const [name, ms] of [...byOperator].sort(([, p], [, q]) => q - p).slice(0, 12)) {
      console.log(`    ${name.padEnd(20)}${(ms / (steps / 2)).toFixed(1).padStart(9)}`);
    }
    const achieved = flopPerStep / (median(times.slice(steps / 2)) / 1000);
    console.log(
      `  ${(achieved / 1e9).toFixed(0)} GFLOP/s of direct-convolution work, ${(achieved / rate).toFixed(2)} of this machine's ` +
        `matrix-product rate (${(rate / 1e9).toFixed(0)} GFLOP/s)`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
