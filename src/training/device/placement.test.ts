// Where the runtime places the nodes of a step: on WebGPU none may be left to the CPU, to and from which its values would be copied.
import { spawnSync } from 'node:child_process';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { webgpuTitle, webgpuWorks } from '../../testing/devices.js';

const child = fileURLToPath(new URL('../../testing/placement-child.ts', import.meta.url));

/**
 * The operators that a case's log, as the runtime writes it at the creation of a session, lists for the CPU; `unsaid` where it does not
 * say where the nodes are.
 */
function onCpu(log: string): readonly string[] | 'unsaid' {
  if (log.includes('All nodes placed on [WebGpuExecutionProvider]')) return [];
  // Nodes in one place are said to be all; those in several are listed, place by place.
  const places = log.split('Node(s) placed on [').slice(1);
  if (places.length < 2) return 'unsaid';
  const there = places.filter((listed) => listed.startsWith('CPUExecutionProvider]')).join('');
  const operators = [...there.matchAll(/VerifyEachNodeIsAssignedToAnEp\]\s+(\w+) \(/g)].map(([, operator]) => operator);
  return operators.length === 0 ? 'unsaid' : operators;
}

/** What {@link onCpu} says of each case, by its title. */
async function placements(): Promise<Map<string, ReturnType<typeof onCpu>>> {
  const folder = await mkdtemp(join(tmpdir(), 'sphereface-placement-'));
  try {
    const path = join(folder, 'log');
    // To a file: a pipe of Node's takes no more when it is full, and the runtime's stream is silent for good after a line that failed.
    const log = await open(path, 'w');
    const { status } = spawnSync(process.execPath, ['--import', 'tsx', child], { stdio: ['ignore', 'ignore', log.fd] });
    await log.close();
    const said = await readFile(path, 'utf8');
    expect(status, said.slice(-2000)).toBe(0);
    const cases = said.split(/^case: /m).slice(1);
    return new Map(cases.map((lines) => [lines.split('\n', 1)[0], onCpu(lines)]));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
    ['neither', '', 'unsaid'],
    ['one list alone', list('WebGpuExecutionProvider', 'Mul'), 'unsaid'],
    ['a list of nothing', list('CPUExecutionProvider') + list('WebGpuExecutionProvider', 'Mul'), 'unsaid'],
  ])('is read: %s', (_, log, expected) => {
    expect(onCpu(log)).toEqual(expected);
  });
});

describe.skipIf(!webgpuWorks)(webgpuTitle, () => {
  it('no node of a step is left to the CPU', async () => {
    const found = await placements();
    expect(found.size).toBeGreaterThan(10);
    for (const [title, operators] of found) expect(operators, title).toEqual([]);
  });
});
