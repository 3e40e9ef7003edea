// Where the runtime places the nodes of a step: on WebGPU none may be left to the CPU, to and from which its values would be copied.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { webgpuTitle, webgpuWorks } from '../../testing/devices.js';

const child = fileURLToPath(new URL('../../testing/placement-child.ts', import.meta.url));

/** The names of the nodes on a provider, as the log of the runtime says at the creation of a session. */
function placedOn(log: string, provider: string): string[] {
  const [, listed = ''] = log.split(`Node(s) placed on [${provider}]`);
  return [...(listed.split('Node(s) placed on')[0].matchAll(/VerifyEachNodeIsAssignedToAnEp\]\s+(\w+) \(/g) ?? [])].map(
    ([, operator]) => operator,
  );
}

describe.skipIf(!webgpuWorks)(webgpuTitle, () => {
  // Now and then lines that several of the runtime's threads write run into each other, and what is looked for is torn.
  it('no node of a step is left to the CPU', { retry: 2 }, () => {
    const { stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', child], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
    });
    expect(status, stderr.slice(-2000)).toBe(0);
    const cases = stderr.split(/^case: /m).slice(1);
    expect(cases.length).toBeGreaterThan(10);
    const left = cases.map((log) => {
      const [title] = log.split('\n', 1);
      // What is placed in one place is not listed.
      const all = log.includes('All nodes placed on [WebGpuExecutionProvider]');
      const here = placedOn(log, 'WebGpuExecutionProvider');
      expect(all || here.length > 0, title).toBe(true);
      return [title, placedOn(log, 'CPUExecutionProvider')] as const;
    });
    expect(Object.fromEntries(left.filter(([, nodes]) => nodes.length > 0))).toEqual({});
  });
});
