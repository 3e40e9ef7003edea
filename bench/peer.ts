// The peer of the speed benchmarks: PyTorch on the same processor, through a script beside the checkout.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../shared/bench/peer_torch.py', import.meta.url));
const python = '/usr/bin/python3';

/** Images per second and peak memory of one run of the peer. */
export interface PeerRun {
  readonly forward: number;
  readonly step: number;
  readonly peakMiB: number;
}

/** Why the peer cannot run here, or `undefined` when it can. */
export function peerMissing(): string | undefined {
  if (!existsSync(script)) return 'the peer script is not beside the checkout (shared/bench/peer_torch.py)';
  try {
    execFileSync(python, ['-c', 'import torch'], { stdio: 'ignore' });
  } catch {
    return `${python} has no torch (Debian: apt-get install python3-torch libopenblas0-pthread)`;
  }
  return undefined;
}

/** Runs the peer for some seconds a phase. Kernel choices forced on old OpenBLAS builds are lifted: they would slow it down. */
export function runPeer(batch: number, seconds: number): PeerRun {
  const env = { ...process.env };
  delete env.OPENBLAS_CORETYPE;
  delete env.OPENBLAS_L2_SIZE;
  const wrapper = `import resource, runpy, sys
sys.argv = ['peer', '${batch}', '${seconds}']
runpy.run_path(${JSON.stringify(script)}, run_name='__main__')
print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)`;
  const out = execFileSync(python, ['-c', wrapper], { env, encoding: 'utf8' });
  const number = (pattern: RegExp): number => Number(pattern.exec(out)?.[1] ?? Number.NaN);
  return {
    forward: number(/^forward .*: ([\d.]+) images/m),
    step: number(/^step .*: ([\d.]+) images/m),
    peakMiB: number(/^peak (\d+)/m),
  };
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
