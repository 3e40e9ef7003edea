// Where the runtime places the nodes of a step: on WebGPU none may be left to the CPU, to and from which its values would be copied.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { webgpuTitle, webgpuWorks } from '../../testing/devices.js';

const child = fileURLToPath(new URL('../../testing/placement-child.ts', import.meta.url));
const attempts = 3;

/**
 * The operators that a case's log, as the runtime writes it at the creation of a session, lists for the CPU. `torn`: several of the
 * runtime's threads have written into each other's lines, and what says where the nodes are is not there.
 */
function onCpu(log: string): readonly string[] | 'torn' {
  if (log.includes('All nodes placed on [WebGpuExecutionProvider]')) return [];
  // Nodes in one place are said to be all; those in several are listed, place by place.
  const places = log.split('Node(s) placed on [').slice(1);
  if (places.length < 2) return 'torn';
  const there = places.filter((listed) => listed.startsWith('CPUExecutionProvider]')).join('');
  const operators = [...there.matchAll(/VerifyEachNodeIsAssignedToAnEp\]\s+(\w+) \(/g)].map(([, operator]) => operator);
  return operators.length === 0 ? 'torn' : operators;
}

/** What {@link onCpu} says of each case, by its title. */
function placements(): Map<string, ReturnType<typeof onCpu>> {
  const options = { encoding: 'utf8', maxBuffer: 2 ** 28 } as const;
  const { stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', child], options);
  expect(status, stderr.slice(-2000)).toBe(0);
  const cases = stderr.split(/^case: /m).slice(1);
  return new Map(cases.map((log) => [log.split('\n', 1)[0], onCpu(log)]));
}

describe('the log of a placement', () => {
  const line = (text: string) => `[V:onnxruntime:, session_state.cc:1316 VerifyEachNodeIsAssignedToAnEp] ${text}\n`;
  const list = (provider: string, ...operators: string[]) =>
    line(` Node(s) placed on [${provider}]. Number of nodes: ${operators.length}`) +
    operators.map((operator) => line(`  ${operator} (${operator}_1)`)).join('');

  it.each([
    ['all on the device', line(' All nodes placed on [WebGpuExecutionProvider]. Number of nodes: 9'), []],
    [
      'some on the CPU',
      list('CPUExecutionProvider', 'Gather', 'ScatterND') + list('WebGpuExecutionProvider', 'Mul'),
      ['Gather', 'ScatterND'],
    ],
    ['neither', '', 'torn'],
    ['one list alone', list('WebGpuExecutionProvider', 'Mul'), 'torn'],
    ['a list of nothing', list('CPUExecutionProvider') + list('WebGpuExecutionProvider', 'Mul'), 'torn'],
  ])('is read: %s', (_, log, expected) => {
    expect(onCpu(log)).toEqual(expected);
  });
});

describe.skipIf(!webgpuWorks)(webgpuTitle, () => {
  it('no node of a step is left to the CPU', () => {
    const unread = new Set<string>();
    for (let attempt = 1; attempt === 1 || (unread.size > 0 && attempt <= attempts); attempt++) {
      const found = placements();
      expect(found.size).toBeGreaterThan(10);
      for (const [title, operators] of found) {
        if (operators !== 'torn') {
          expect(operators, title).toEqual([]);
          unread.delete(title);
        } else if (attempt === 1) unread.add(title);
      }
    }
    expect([...unread], `torn in each of ${attempts} logs`).toEqual([]);
  });
});
