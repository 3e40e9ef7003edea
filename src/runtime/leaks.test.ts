// Resident memory over many steps and many sessions, each measured in a process of its own so that nothing else moves the figure.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { webgpuTitle, webgpuWorks } from '../testing/devices.js';

const child = fileURLToPath(new URL('../testing/memory-child.ts', import.meta.url));

/**
 * Growth in MiB over all rounds after the warm-up, taken from the part of them that grew least: what leaks grows in every part,
 * while an allocator that takes another region, or a collection that comes late on a busy machine, shows in one.
 */
async function growth(what: string, warmUp: number, total: number): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    '--import',
    'tsx',
    child,
    what,
    String(warmUp),
    String(total),
    String(parts),
  ]);
  const resident = JSON.parse(stdout) as number[];
  expect(resident).toHaveLength(parts + 1);
  return parts * Math.min(...resident.slice(1).map((mib, i) => mib - resident[i]));
}

const parts = 3;

/**
 * MiB. The allocator and V8 keep some freed pages (a few MiB from run to run); one leaked gradient or model per round would
 * add more than 250 MiB.
 */
const bound = 24;

describe('resident memory does not grow', () => {
  it.each(['steps', 'steps-in-place'])('over 200 training steps after the first 20 (%s)', async (what) => {
    expect(await growth(what, 20, 200)).toBeLessThan(bound);
  });

  it.skipIf(!webgpuWorks)(`over 9 steps after the first 2, with the state ${webgpuTitle}`, async () => {
    // A tensor of parameters, momentum or gradients that stays at each step is 1 MiB.
    expect(await growth('device-steps', 2, 11)).toBeLessThan(6);
  });

  it('over 100 sessions created and disposed of, after the first 20', async () => {
    expect(await growth('sessions', 20, 100)).toBeLessThan(bound);
  });
});
