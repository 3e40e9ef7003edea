// `sphereface study`, `report` and `evaluate --snapshots` as commands: what they print, what they refuse, and a study killed with its workers.
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { UsageError } from '../common/errors.js';
import { loadStudy } from '../pipeline/index.js';
import { runCommand } from '../testing/command.js';
import { tinySettings, writeTinyFaces } from '../testing/tiny-faces.js';
import { registerEvaluate } from './evaluate.js';
import { registerReport } from './report.js';
import { registerStudy } from './study.js';

let scratch: string;
let file: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-study-cli-'));
  await writeTinyFaces(join(scratch, 'faces'), { identities: 12, each: 6 });
  file = join(scratch, 'tiny.yaml');
  const study = {
    name: 'tiny',
    data: 'faces',
    validation: [{ holdOut: 0.25, pairsOfEachKind: 20 }],
    test: { holdOut: 0.25, pairsOfEachKind: 20 },
    seeds: 2,
    snapshots: 2,
    set: [...tinySettings, 'log={display: 4, checkpoint: 4, keep: 1}', 'solver.iterations=20'],
    arms: { a: { recipe: 'sphereface-m4-small' }, b: { recipe: 'sphereface-m4-small', set: ['loss.margin.m=2'] } },
    questions: [{ ask: 'Is m = 2 better?', against: 'a', arms: ['b'] }],
  };
  await writeFile(file, stringify(study));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const study = (...args: string[]) => runCommand(registerStudy, ['study', ...args, '--threads', '1']);
const main = fileURLToPath(new URL('./main.ts', import.meta.url));

/** Runs the real command as a launcher starts each of its ranks. */
async function asRank(rank: number, ranks: number, folder: string): Promise<{ code: unknown; stdout: string }> {
  const launcher = { OMPI_COMM_WORLD_SIZE: String(ranks), OMPI_COMM_WORLD_RANK: String(rank) };
  const child = spawn(process.execPath, ['--import', 'tsx', main, 'study', file, '-o', folder, '--threads', '1'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { ...process.env, ...launcher },
  });
  let stdout = '';
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  const code = await new Promise<unknown>((resolve) => child.once('close', resolve));
  return { code, stdout };
}

/** Starts the real command with two workers and sends it alone a signal, without a word to them, once a cell is in work. */
async function endedAtWork(folder: string, signal: 'SIGINT' | 'SIGKILL') {
  const args = ['--import', 'tsx', main, 'study', file, '-o', folder, '--jobs', '2', '--threads', '2'];
  const child = spawn(process.execPath, args, { cwd: fileURLToPath(new URL('../..', import.meta.url)) });
  let said = '';
  let sent = false;
  child.stdout.on('data', (data: Buffer) => {
    said += data.toString();
    if (sent || !/[ab]\/\d: /.test(said)) return;
    sent = true;
    setTimeout(() => child.kill(signal), 200);
  });
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const ended = await new Promise<{ code: unknown; by: unknown }>((resolve) =>
    child.once(signal === 'SIGINT' ? 'close' : 'exit', (code, by) => resolve({ code, by })),
  );
  expect(sent, said).toBe(true);
  return { ...ended, told: said.match(/Interrupted|stopping after/g) ?? [] };
}

describe('sphereface study', { timeout: 600_000 }, () => {
  it('goes on after an interruption and a kill, prints the answers, and says what is left', async () => {
    const folder = join(scratch, 'out');
    expect(await endedAtWork(folder, 'SIGINT')).toEqual({
      ...{ code: 130, by: null },
      // Once, not by each worker.
      told: ['stopping after', 'Interrupted'],
    });
    expect(await endedAtWork(folder, 'SIGKILL')).toEqual({ code: null, by: 'SIGKILL', told: [] });
    // Workers notice that nobody is there, and end; until then their cells are theirs.
    const finished = await study(file, '-o', folder, '--json');
    expect(finished.error).toBeUndefined();
    const result = JSON.parse(finished.stdout) as { judged: number; answers: string[]; page: string };
    expect(result).toMatchObject({ judged: 4, cells: 4 });
    expect(result.answers).toEqual([expect.stringMatching(/^b against a: accuracy .* \(2 seeds, 40 pairs/)]);
    expect(await readFile(result.page, 'utf8')).toContain('Is m = 2 better?');
    expect((await readdir(join(folder, 'cells'))).length).toBe(4);

    const undisturbed = join(scratch, 'whole');
    await study(file, '-o', undisturbed);
    const rows = async (of: string) =>
      (await readFile(join(of, 'study.csv'), 'utf8')).split('\r\n').map((row) => row.split(',').slice(0, 16));
    expect(await rows(folder)).toEqual(await rows(undisturbed));

    const more = await study(file, '-o', folder, '--set', 'seeds=3', '--dry-run', '--json');
    expect(JSON.parse(more.stdout)).toMatchObject({ left: 2, from: { finishedCells: 2, runs: 0, measured: 0 } });
    expect(more.stderr).toMatch(/a\/3: sphereface-m4-small, 20 iterations: waiting, /);
    expect(more.stderr).toMatch(/2 of 6 cells are left/);
    const summary = await study(file, '-o', folder, '--set', 'seeds=3', '--summary');
    expect(summary.stdout).toMatch(/4 of 6 cells judged[^]*a: .* % \(2 seeds\)/);
  });

  it('is divided among the ranks of a launcher, of which the first tells the results', async () => {
    const folder = join(scratch, 'ranks');
    const [first, second] = await Promise.all([asRank(0, 2, folder), asRank(1, 2, folder)]);
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(first.stdout).toContain('4 of 4 cells judged');
    expect(second.stdout).not.toContain('judged');
    const begun = `${first.stdout}${second.stdout}`.match(/^[ab]\/\d: sphereface-m4-small$/gm)!;
    expect(begun.sort()).toEqual(['a/1', 'a/2', 'b/1', 'b/2'].map((cell) => `${cell}: sphereface-m4-small`));
  });

  it('lists the built-in studies, and prints one that it reads again', async () => {
    expect((await study('--list')).stdout).toMatch(/^demo .*\npublished .*\nmhe-small /);
    const path = join(scratch, 'demo.yaml');
    await writeFile(path, (await study('demo', '--list')).stdout);
    expect(await loadStudy(path)).toEqual(await loadStudy('demo'));
  });

  it.each([
    [[], /needs its file or name, and a folder/],
    [['demo'], /needs its file or name, and a folder/],
    [['none', '-o', 'OUT'], /no study "none"/],
    [['none', '--list'], /no study "none"/],
    [['published', '-o', 'OUT'], /data is missing/],
    [['demo', '-o', 'OUT', '--set', 'seeds=x'], /seeds: expected how many seeds/],
  ])('refuses %j', async (args, message) => {
    const { error } = await study(...args);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toMatch(message);
  });

  it.each(['0/4', '5/4', '1', 'a/b'])('refuses --cell %s', async (cell) => {
    expect(String((await study('demo', '-o', 'OUT', '--cell', cell)).error)).toMatch(/expected i\/n/);
  });
});

describe('the runs of a study', { timeout: 600_000 }, () => {
  it('are reported, and their snapshots evaluated', async () => {
    const cells = join(scratch, 'whole', 'cells');
    const run = join(cells, (await readdir(cells))[0], 'run');
    const events = join(scratch, 'events');
    const report = await runCommand(registerReport, ['report', run, '--tensorboard', events, '--json']);
    expect(JSON.parse(report.stdout)).toEqual({
      page: join(run, 'report', 'index.html'),
      events: join(events, 'events.out.tfevents.0.sphereface'),
      lines: 5,
    });
    const log = join(run, 'log.jsonl');
    await writeFile(log, `${await readFile(log, 'utf8')}{}\n`);
    const odd = await runCommand(registerReport, ['report', run]);
    expect(odd.error).toBeUndefined();
    expect(odd.stderr).toMatch(/warning: line 6 of .*log.jsonl is none of a training log/);
    const data = join(scratch, 'whole', 'data');
    const file = (await readdir(data)).find((name) => name.startsWith('pairs-1-'))!;
    const pairs = ['--pairs', join(data, file), '--images', join(scratch, 'faces')];
    const common = ['evaluate', run, ...pairs, '-o', join(scratch, 'snapshots'), '--protocol', 'best-threshold'];
    const evaluated = await runCommand(registerEvaluate, [...common, '--snapshots', 'all', '--threads', '1']);
    expect(evaluated.error).toBeUndefined();
    expect(evaluated.stdout).toMatch(/^iteration \d+ {2}accuracy .*\nbest {6}iteration \d+ of these pairs/);
    for (const [option, value] of Object.entries({ calibrate: '0.1', worst: '5', bootstrap: '10', seed: '1' })) {
      const refused = await runCommand(registerEvaluate, [...common, '--snapshots', 'all', `--${option}`, value]);
      expect(String(refused.error)).toMatch(`--${option} is for one model`);
    }
  });
});
