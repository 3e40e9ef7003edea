// The package as its users get it: what the tarball holds, that publint finds nothing, and that it works once installed.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const built = existsSync(join(root, 'dist', 'index.js'));

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

describe.skipIf(!built)(built ? 'the package' : 'the package (skipped: run npm run build first)', () => {
  let folder: string;
  let manifest: Manifest;
  let packed: Packed;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sphereface-package-'));
    manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: root,
    });
    [packed] = JSON.parse(stdout) as [Packed];
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('holds the build, its types, the licences and the README, and nothing else', () => {
    const unexpected = packed.files
      .map(({ path }) => path)
      .filter((path) => !/^dist\/.+\.(js|d\.ts)$|^(LICENSE|LICENSES\.md|README\.md|package\.json)$/.test(path));
    expect(unexpected).toEqual([]);
    const paths = new Set(packed.files.map(({ path }) => path));
    for (const path of [
      'LICENSE',
      'LICENSES.md',
      'README.md',
      'dist/index.js',
      'dist/index.d.ts',
      'dist/cli/main.js',
    ]) {
      expect(paths).toContain(path);
    }
    expect([...paths].filter((path) => /\.test\.|^dist\/testing\/|golden/.test(path))).toEqual([]);
    // Code and types only: a stray model, picture or golden file would show here.
    expect(packed.size).toBeLessThan(1_000_000);
  });

  it('satisfies publint', async () => {
    const { messages, pkg } = await publint({ pkgDir: root, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  describe('installed into an empty project', () => {
    let project: string;

    beforeAll(async () => {
      project = join(folder, 'project');
      const modules = join(project, 'node_modules');
      const installed = join(modules, 'sphereface-plus');
      await mkdir(installed, { recursive: true });
      await run('tar', ['-xzf', join(folder, packed.filename), '--strip-components=1', '-C', installed]);
      // The dependencies are this checkout's own, so that the test needs no registry; nothing but the declared ones.
      for (const name of [...Object.keys(manifest.dependencies), '@types/node']) {
        const link = join(modules, name);
        await mkdir(dirname(link), { recursive: true });
        await symlink(join(root, 'node_modules', name), link, 'dir');
      }
      await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
    });

    it('imports every entry point', async () => {
      const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');
      const code = entries
        .map(
          (entry) =>
            `if (Object.keys(await import('sphereface-plus${entry.slice(1)}')).length === 0) throw '${entry}';`,
        )
        .join('\n');
      await writeFile(join(project, 'entries.js'), code);
      await run('node', ['entries.js'], { cwd: project });
    });

    it('builds, differentiates and runs a graph in a ten-line script, with types', async () => {
      const script = [
        "import { Graph, gradients, mul, serialize, sum } from 'sphereface-plus/graph';",
        "import { Session } from 'sphereface-plus/runtime';",
        "import { Tensor } from 'onnxruntime-common';",
        'const graph = new Graph();',
        "const x = graph.input('x', 'float32', [3]);",
        'const [slope] = gradients(sum(mul(x, x)), [x]);',
        "const session = await Session.create(serialize(graph, { outputs: { slope: slope! } }), { device: 'cpu', threads: 1 });",
        "const result = await session.run({ x: new Tensor('float32', Float32Array.of(1, 2, 3), [3]) });",
        'console.log(JSON.stringify(Array.from(result.slope!.data as Float32Array)));',
        'await session.dispose();',
      ].join('\n');
      await writeFile(join(project, 'script.ts'), script);
      // The engine's types name the browser's, hence `dom`; declarations are checked as well (no skipLibCheck).
      const options = [
        '--module',
        'nodenext',
        '--target',
        'es2022',
        '--lib',
        'es2023,esnext.disposable,dom',
        '--strict',
      ];
      await run(join(root, 'node_modules', '.bin', 'tsc'), [...options, '--types', 'node', 'script.ts'], {
        cwd: project,
      });
      const { stdout } = await run('node', ['script.js'], { cwd: project });
      expect(JSON.parse(stdout)).toEqual([2, 4, 6]);
    });

    it('has a command', async () => {
      const main = join(project, 'node_modules', 'sphereface-plus', 'dist', 'cli', 'main.js');
      const { stdout } = await run('node', [main, '--help'], { cwd: project });
      for (const command of ['prepare', 'list', 'train', 'evaluate', 'verify', 'demo', 'run']) {
        expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
      }
    });
  });
});
