// The examples of docs/library.md: they compile against the sources, strictly, and run on synthetic faces.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { examplesOf } from './testing/markdown-examples.js';
import { testWeights } from './testing/mtcnn-weights.js';
import { writeReadmeScene } from './testing/readme-scene.js';

const run = promisify(execFile);
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const page = 'docs/library.md';
const programs = examplesOf(await readFile(join(root, page), 'utf8'))
  .filter(({ language }) => language === 'ts')
  .map(({ code, line }, i) => ({ code, where: `${page}, line ${line}`, file: `example-${i}.ts` }));
/** A program that must not compile: the check that the check works. */
const wrong = 'example-wrong.ts';
const { why } = await testWeights();

describe.skipIf(why !== '')(`the library's page ${why}`, { timeout: 300_000 }, () => {
  let project: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'sphereface-library-'));
    env = { ...process.env, ...(await writeReadmeScene(project)) };
    const compilerOptions = {
      target: 'es2022',
      lib: ['es2023', 'esnext.disposable'],
      module: 'nodenext',
      strict: true,
      noUncheckedIndexedAccess: true,
      noEmit: true,
      skipLibCheck: true,
      types: ['node'],
      paths: {
        'sphereface-plus': [join(root, 'src', 'index.ts')],
        'sphereface-plus/*': [join(root, 'src', '*', 'index.ts')],
      },
    };
    await symlink(join(root, 'node_modules'), join(project, 'node_modules'), 'dir');
    await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
    await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['example-*.ts'] }));
    for (const { file, code } of programs) await writeFile(join(project, file), code);
    await writeFile(
      join(project, wrong),
      "import { FaceRecognizer } from 'sphereface-plus';\nFaceRecognizer.open(5);\n",
    );
  });
  afterAll(() => rm(project, { recursive: true, force: true }));

  it('has examples that compile', async () => {
    expect(programs.length).toBeGreaterThanOrEqual(5);
    const { stdout } = await run(join(root, 'node_modules', '.bin', 'tsc'), ['-p', project], { cwd: project }).catch(
      (error: { readonly stdout: string }) => error,
    );
    // What is said of the sources, whose rules differ, does not count.
    const failures = stdout.split('\n').filter((line) => line.startsWith('example-'));
    expect(failures.map((line) => line.split('(')[0])).toEqual([wrong]);
  });

  it.each(programs)('has an example that runs: $where', async ({ file }) => {
    const tsx = join(root, 'node_modules', '.bin', 'tsx');
    const { stdout } = await run(tsx, ['--tsconfig', join(project, 'tsconfig.json'), file], { cwd: project, env });
    expect(stdout).not.toBe('');
  });
});
