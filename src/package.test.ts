// The package as its users get it: what the tarball holds, that publint finds nothing, and that it works once installed.
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { narrowFaceModel } from './testing/face-model.js';
import { writeTinyFaces } from './testing/tiny-faces.js';
import {
  built,
  commandOf,
  install,
  type Manifest,
  pack,
  type Packed,
  readManifest,
  root,
} from './testing/installed-package.js';

const run = promisify(execFile);

describe.skipIf(!built)(built ? 'the package' : 'the package (skipped: run npm run build first)', () => {
  let folder: string;
  let manifest: Manifest;
  let packed: Packed;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sphereface-package-'));
    manifest = await readManifest();
    packed = await pack(folder);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('holds the build, its types, the documentation and the licences, and nothing else', () => {
    const unexpected = packed.files
      .map(({ path }) => path)
      .filter(
        (path) =>
          !/^dist\/.+\.(js|d\.ts)$|^docs\/([\w-]+\.md|images\/[\w-]+\.(png|svg))$|^(LICENSE|(LICENSES|README|CHANGELOG)\.md|package\.json)$/.test(
            path,
          ),
      );
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
    // Code, types and text only: a stray model or golden file would show here.
    expect(packed.size).toBeLessThan(1_500_000);
  });

  it('holds every page that an error names', async () => {
    const paths = new Set(packed.files.map(({ path }) => path));
    const code = packed.files.map(({ path }) => path).filter((path) => path.endsWith('.js'));
    const texts = await Promise.all(code.map((path) => readFile(join(root, path), 'utf8')));
    const named = new Set(texts.flatMap((text) => text.match(/\b(docs\/[\w-]+|README)\.md\b/g) ?? []));
    expect(named.size).toBeGreaterThan(1);
    expect([...named].filter((path) => !paths.has(path))).toEqual([]);
  });

  it('is built before it is packed or installed from git', () => {
    expect(manifest.scripts.prepack).toMatch(/npm run build$/);
    expect(manifest.scripts.prepare).toBe('node tools/prepare.js');
  });

  it('satisfies publint', async () => {
    const { messages, pkg } = await publint({ pkgDir: root, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  describe('installed into an empty project', () => {
    let project: string;

    beforeAll(async () => {
      project = join(folder, 'project');
      await install(join(folder, packed.filename), project);
      await writeFile(join(project, 'model.onnx'), narrowFaceModel());
      await writeTinyFaces(join(project, 'crops'), { identities: 1, each: 1 });
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

    it('has a command', async () => {
      const { stdout } = await run('node', [commandOf(project), '--help'], { cwd: project });
      for (const command of ['prepare', 'list', 'train', 'evaluate', 'verify', 'demo', 'run']) {
        expect(stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'));
      }
    });

    it.each([
      ['the engine is not installed', [], /onnxruntime-node' imported from/],
      ['its native part is missing', ['package.json', 'dist'], /Cannot find module '\.\.\/bin\/napi-v6/],
    ])('says what to install when %s', async (_, parts, reason) => {
      const engine = join(project, 'node_modules', 'onnxruntime-node');
      const whole = join(root, 'node_modules', 'onnxruntime-node');
      await rm(engine);
      try {
        for (const part of parts) {
          await mkdir(engine, { recursive: true });
          await cp(join(whole, part), join(engine, part), { recursive: true });
        }
        const args = [commandOf(project), 'embed', 'model.onnx', 'crops', '-o', 'out.npz'];
        const { stderr, code } = await run('node', args, { cwd: project }).then(
          () => expect.fail('it ran'),
          (error: unknown) => error as { readonly stderr: string; readonly code: number },
        );
        expect(stderr).toMatch(/^error: The engine, onnxruntime-node, cannot be loaded\.\n {2}got: /);
        expect(stderr).toMatch(reason);
        expect(stderr).toMatch(/next: .*ONNXRUNTIME_NODE_INSTALL=skip npm install/);
        expect(code).toBe(1);
      } finally {
        await rm(engine, { recursive: true, force: true });
        await symlink(whole, engine, 'dir');
      }
    });
  });
});
