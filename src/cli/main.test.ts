// The command as a process: a reader that goes away, errors as JSON, exit codes.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseModel } from '../graph/onnx/index.js';
import { ModelProtoSchema } from '../graph/onnx/onnx_pb.js';
import { tinyInput, tinyModel } from '../testing/tiny-model.js';
import { tinySettings, writeTinyFaces } from '../testing/tiny-faces.js';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `sphereface`; `leave` is called with all that stdout has given, and what it does to the streams is the test. */
function run(args: readonly string[], leave?: (stdout: string) => boolean): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', main, ...args]);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
    if (leave?.(stdout) !== true) return;
    child.stdout.destroy();
    child.stderr.destroy();
  });
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      // The rest of what was written may still be on its way.
      setImmediate(() => {
        resolve({ code, stdout, stderr });
      });
    });
  });
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sphereface-main-'));
  await writeTinyFaces(join(folder, 'faces'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('sphereface', { timeout: 120_000 }, () => {
  it('goes on training when whoever read its lines is gone', async () => {
    const settings = [...tinySettings, 'solver.iterations=60', 'log={display: 1, checkpoint: 50, keep: 1}'];
    const { code, stdout } = await run(
      [
        ...[
          'train',
          join(folder, 'faces'),
          '--recipe',
          'sphereface-m4-small',
          '-o',
          join(folder, 'run'),
          '--threads',
          '1',
        ],
        ...settings.flatMap((setting) => ['--set', setting]),
      ],
      (text) => text.split('\n').length > 3,
    );
    expect(code).toBe(0);
    // The reader left long before the end, or the test shows nothing.
    expect(stdout.split('\n').length).toBeLessThan(40);
    const log = (await readFile(join(folder, 'run', 'log.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(log).toHaveLength(60);
    expect((await readFile(join(folder, 'run', 'model.onnx'))).length).toBeGreaterThan(0);
  });

  it('says with --json what is wrong in one object, in words on stderr, and keeps the exit code', async () => {
    const nothing = await run(['list', join(folder, 'none'), '-o', join(folder, 'l.txt'), '--json']);
    expect(nothing.code).toBe(2);
    expect(JSON.parse(nothing.stdout)).toEqual({
      error: {
        message: `There is nothing at ${join(folder, 'none')}.`,
        expected: expect.any(String) as string,
        next: 'check the path',
      },
    });
    expect(nothing.stderr).toMatch(/^error: There is nothing at /);

    await mkdir(join(folder, 'empty'));
    const empty = await run(['list', join(folder, 'empty'), '-o', join(folder, 'l.txt'), '--json']);
    expect(empty.code).toBe(1);
    expect(JSON.parse(empty.stdout)).toMatchObject({
      error: { message: expect.stringContaining('no image') as string },
    });
  });

  it('does so for options that it does not know, too', async () => {
    const { code, stdout, stderr } = await run(['list', 'faces', '-o', 'l.txt', '--json', '--nonsense']);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: { message: expect.stringMatching(/^unknown option '--nonsense'/) as string },
    });
    expect(stderr).toMatch(/unknown option/);
  });

  it('gives one error, and nothing of a driver, for a file that is no model', async () => {
    const network = parseModel(tinyModel(), 'tiny');
    network.graph.node[0].opType = 'Nonsense';
    const [model, spec] = [join(folder, 'model.onnx'), join(folder, 'spec.json')];
    await writeFile(model, toBinary(ModelProtoSchema, network));
    await writeFile(spec, JSON.stringify(tinyInput));
    const args = ['embed', model, join(folder, 'faces'), '-o', join(folder, 'e.npz'), '--input-spec', spec, '--json'];
    const { code, stdout, stderr } = await run(args);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { got: expect.stringContaining('Nonsense') as string } });
    expect(
      stderr
        .trim()
        .split('\n')
        .filter((line) => !line.startsWith('  ')),
    ).toHaveLength(1);
  });
});
