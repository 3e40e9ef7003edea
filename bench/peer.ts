// The peer of the speed benchmarks: PyTorch on the same processor (peer_torch.py), in every mode that it has there.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BenchNetwork } from './networks.js';

const script = fileURLToPath(new URL('../bench/peer_torch.py', import.meta.url));

/** Names the python of a virtual environment with PyTorch 2; without it the peer is Debian's PyTorch. */
const pythonVariable = 'SPHEREFACE_PEER_PYTHON';
const debianPython = '/usr/bin/python3';

/** How PyTorch may compute. The best float32 is what a result of ours is held to: it has the same precision. */
const modes = ['float32', 'channels-last', 'compiled', 'bfloat16'] as const;
type Mode = (typeof modes)[number];

export interface Peer {
  readonly python: string;
  readonly version: string;
  readonly modes: readonly Mode[];
}

/** Images per second and peak memory of one run, ours or the peer's. */
export interface SpeedRun {
  readonly imagesPerSecond: number;
  readonly peakMiB: number;
}

/** What is timed: the forward pass, or a whole training step. */
export type Phase = 'forward' | 'step';

/** The peer on this machine, or `undefined`; either is said, and so are the modes that are missing, with their reasons. */
export function findPeer(): Peer | undefined {
  const python = process.env[pythonVariable] ?? debianPython;
  let answer: string;
  try {
    answer = call(python, ['modes']);
  } catch {
    console.log(
      `no ratio: ${python} has no PyTorch (a virtual environment with torch and numpy, its python named by ${pythonVariable}; ` +
        'or Debian: apt-get install python3-torch libopenblas0-pthread)',
    );
    return undefined;
  }
  const { version, missing } = JSON.parse(answer) as { version: string; missing: Record<Mode, string | null> };
  console.log(`peer: PyTorch ${version} of ${python}`);
  for (const mode of modes) if (missing[mode] !== null) console.log(`  without ${mode}: ${missing[mode]}`);
  return { python, version, modes: modes.filter((mode) => missing[mode] === null) };
}

/** Kernel choices forced on old OpenBLAS builds are lifted: they would slow it down. */
function call(python: string, args: readonly string[]): string {
  const env = { ...process.env };
  delete env.OPENBLAS_CORETYPE;
  delete env.OPENBLAS_L2_SIZE;
  return execFileSync(python, [script, ...args], { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

export interface Comparison {
  readonly network: BenchNetwork;
  readonly phase: Phase;
  readonly batch: number;
  /** For how long each run measures. */
  readonly seconds: number;
  readonly rounds: number;
  /** A run of ours in a process of its own, so that its peak memory is its own. */
  readonly own: () => SpeedRun;
}

/** Runs ours and each mode of the peer by turns, and prints every ratio, their medians, and those against the best float32. */
export function compare(peer: Peer | undefined, { network, phase, batch, seconds, rounds, own }: Comparison): void {
  if (peer === undefined) {
    console.log(`  ${spoken(own())}`);
    return;
  }
  const pairs = new Map<Mode, { readonly own: SpeedRun; readonly peer: SpeedRun }[]>(
    peer.modes.map((mode) => [mode, []]),
  );
  for (let round = 1; round <= rounds; round++) {
    const ours = own();
    console.log(`  round ${round}: ${spoken(ours)}`);
    for (const [mode, all] of pairs) {
      const args = ['run', network.name, phase, mode, String(batch), String(seconds)];
      const theirs = JSON.parse(call(peer.python, args)) as SpeedRun;
      all.push({ own: ours, peer: theirs });
      const [speed, memory] = [ours.imagesPerSecond / theirs.imagesPerSecond, ours.peakMiB / theirs.peakMiB];
      console.log(`    ${mode.padEnd(14)}${spoken(theirs)}; ratio ${speed.toFixed(2)}, of memory ${memory.toFixed(2)}`);
    }
  }
  const ratios = [...pairs].map(([mode, all]) => ({
    mode,
    rate: median(all.map((pair) => pair.peer.imagesPerSecond)),
    speed: all.map((pair) => pair.own.imagesPerSecond / pair.peer.imagesPerSecond),
    memory: all.map((pair) => pair.own.peakMiB / pair.peer.peakMiB),
  }));
  const best = ratios.filter(({ mode }) => mode !== 'bfloat16').reduce((a, b) => (b.rate > a.rate ? b : a));
  for (const one of ratios) {
    const name = one === best ? `${one.mode} (the best float32)` : one.mode;
    const [lowest, highest] = [Math.min(...one.speed), Math.max(...one.speed)];
    const spread = `${lowest.toFixed(2)} to ${highest.toFixed(2)}`;
    console.log(
      `  median ratio against ${name}: ${median(one.speed).toFixed(2)} (${spread}), of memory ${median(one.memory).toFixed(2)}`,
    );
  }
}

function spoken({ imagesPerSecond, peakMiB }: SpeedRun): string {
  return `${imagesPerSecond.toFixed(1)} images/s, peak ${peakMiB.toFixed(0)} MiB`;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
