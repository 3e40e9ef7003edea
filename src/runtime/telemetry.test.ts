// The engine tells nobody what is computed: no identifier of the machine is stored, no log of events to send is begun.
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { Graph, relu, serialize } from '../graph/index.js';

it('a process that computes leaves nothing of the engine in the home folder or the folder for temporary files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'telemetry-'));
  try {
    const graph = new Graph();
    const model = join(folder, 'model.onnx');
    await writeFile(model, serialize(graph, { outputs: { y: relu(graph.input('x', 'float32', [2])) } }));
    const home = await mkdtemp(join(folder, 'home-'));
    const runtime = pathToFileURL(fileURLToPath(new URL('./index.ts', import.meta.url))).href;
    const script = `
      import { readFile } from 'node:fs/promises';
      const { Session, float32 } = await import(${JSON.stringify(runtime)});
      const session = await Session.create(await readFile(${JSON.stringify(model)}));
      await session.run({ x: float32(Float32Array.of(-1, 1), [2]) });
      await session.dispose();`;
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      HOME: home,
      TMPDIR: home,
      XDG_CACHE_HOME: home,
      TSX_DISABLE_CACHE: '1',
    };
    // Either would silence the engine by itself.
    delete env.ORT_DISABLE_TELEMETRY;
    delete env.CI;
    await promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], { env });
    const left = await readdir(home);
    expect(left.filter((name) => !name.startsWith('tsx-'))).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
