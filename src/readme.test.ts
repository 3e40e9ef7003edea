// The README's examples, and those of the pages for programmers, on the installed package: TypeScript compiled strictly for both module systems and run, commands run one after the
// other at a tiny size, in a folder that has the files they name.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { built, commandOf, compile, install, pack, root } from './testing/installed-package.js';
import { examplesOf, shellCommands, spherefaceArguments } from './testing/markdown-examples.js';
import { testWeights } from './testing/mtcnn-weights.js';
import { testStarter } from './testing/starter-model.js';
import { writeReadmeScene } from './testing/readme-scene.js';

const run = promisify(execFile);

/** The blocks of a page in a language. */
async function blocks(page: string, language: string) {
  const examples = examplesOf(await readFile(join(root, page), 'utf8')).filter((block) => block.language === language);
  return examples.map(({ code, line }) => ({ code, where: `${page}, line ${line}` }));
}

const programs = [
  ...(await blocks('README.md', 'ts')),
  ...(await blocks('docs/library.md', 'ts')),
  ...(await blocks('docs/engine.md', 'ts')),
  ...(await blocks('docs/evaluation.md', 'ts')),
].map((block, i) => ({ ...block, file: `example-${i}` }));
const commands = (await blocks('README.md', 'sh'))
  .flatMap(({ code }) => shellCommands(code))
  .map(spherefaceArguments)
  .filter((args) => args !== undefined);

/** What makes a command tiny: a network of four layers and a few steps. */
const network = ['network={depth: 4, widths: [4, 4, 8, 8], embeddingSize: 16}', 'solver.batchSize=4', 'log.display=2'];
const settings = [...network, 'solver.iterations=4', 'solver.schedule={type: constant}'];
const set = (option: string) => settings.flatMap((setting) => [option, setting]);
const smaller: Readonly<Record<string, readonly string[]>> = {
  run: ['--hold-out', '0.4', ...set('--set'), ...set('--plus-set')],
  train: set('--set'),
  // There are 36 mismatched pairs at most: enough for this rate.
  evaluate: ['--calibrate', '0.1'],
};

const { weights, why } = await testWeights();
const { path: starter } = await testStarter();
/** Commands without MODEL need the starter embedder. */
const needsStarter = ([name, first]: readonly string[]): boolean =>
  ['verify', 'enroll', 'identify'].includes(name) && !first.endsWith('.onnx');
const reason = built ? why : '(skipped: run npm run build first)';

describe.skipIf(!built || weights === undefined)(`the README ${reason}`, { timeout: 300_000 }, () => {
  let project: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'sphereface-readme-'));
    const { filename } = await pack(project);
    await install(join(project, filename), project);
    env = { ...process.env, ...(await writeReadmeScene(project)) };
    for (const { file, code } of programs) await writeFile(join(project, `${file}.ts`), code);
    // What the README's demo leaves is what `run` leaves and the photos. Given again below, `run` finds everything done.
    await sphereface(['run', 'photos', '-o', 'out/mine']);
    await symlink(join(project, 'out', 'mine'), join(project, 'out', 'demo'));
    await symlink(join(project, 'photos'), join(project, 'out', 'mine', 'photos'));
  });
  afterAll(() => rm(project, { recursive: true, force: true }));

  async function sphereface(args: readonly string[]): Promise<void> {
    const all = [commandOf(project), ...args, ...(smaller[args[0]] ?? []), '--threads', '2'];
    await run('node', all, { cwd: project, env });
  }

  it.each(['bundler', 'nodenext'] as const)(
    'has TypeScript examples that compile, strictly, under %s',
    async (resolution) => {
      expect(programs.length).toBeGreaterThan(6);
      await compile(
        project,
        programs.map(({ file }) => `${file}.ts`),
        resolution,
      );
    },
  );

  it.each(programs)('has an example that runs: $where', async ({ file }) => {
    await run('node', [`${file}.js`], { cwd: project, env });
  });

  it('shows the commands that a newcomer needs', () => {
    const names = ['verify', 'run', 'prepare', 'list', 'train', 'pairs', 'evaluate', 'embed', 'enroll', 'identify'];
    expect(new Set(commands.map(([name]) => name))).toEqual(new Set(names));
  });

  const runnable = commands.filter((args) => starter !== undefined || !needsStarter(args));
  it.each(runnable.map((args) => ({ args, line: args.join(' ') })))('sphereface $line', async ({ args }) => {
    await sphereface(args);
  });
});
