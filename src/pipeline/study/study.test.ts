// Whole studies on tiny pictures: judged, resumed after a kill, with a failing cell, with a changed definition, by several processes.
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InterruptedError } from '../../common/errors.js';
import { tinySettings, writeTinyFaces } from '../../testing/tiny-faces.js';
import { logOf } from '../../training/index.js';
import type { StudyPlan } from './cells.js';
import { estimate } from './estimate.js';
import { runJobs } from './jobs.js';
import { parseStudy } from './load.js';
import { renderStudy } from './page.js';
import { readJudgement, readValidation, runOf, statusOf } from './records.js';
import { writeResults } from './results.js';
import { openStudy, runStudy } from './run.js';
import type { StudyInput } from './schema.js';
import { cellsOfShare, claimCell, type WorkerEvent } from './worker.js';

let scratch: string;
let faces: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-study-'));
  faces = join(scratch, 'faces');
  await writeTinyFaces(faces, { identities: 12, each: 6 });
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const energyOf = (share: number) => `loss.energy={form: riesz, weight: {type: auto, share: ${share}}}`;

/** Two arms from scratch and a fine-tune of the first, seconds long. */
function tiny(changes: Partial<StudyInput> = {}): StudyInput {
  return {
    name: 'tiny',
    data: faces,
    validation: [{ holdOut: 0.25, pairsOfEachKind: 20 }],
    test: { holdOut: 0.25, pairsOfEachKind: 20 },
    seeds: 2,
    snapshots: 3,
    set: [...tinySettings, 'log={display: 4, checkpoint: 4, keep: 1}', 'solver.iterations=12'],
    arms: {
      base: { recipe: 'sphereface-m4-small', vary: { energy: { none: [], some: [energyOf(0.2)] } } },
      tuned: { recipe: 'sphereface-plus-m4-small', from: 'base-none', set: ['solver.iterations=6'] },
    },
    questions: [{ ask: 'Does it help?', against: 'base-none', arms: ['base-some', 'tuned'] }],
    ...changes,
  };
}

const open = (name: string, changes?: Partial<StudyInput>): Promise<StudyPlan> =>
  openStudy(parseStudy(tiny(changes)), join(scratch, name));
const threads = 1;

/** Runs a study and gives the cells that were worked on, in order. */
async function run(plan: StudyPlan, name: string, more: object = {}) {
  const begun: string[] = [];
  const failed: string[] = [];
  const { summary, files } = await runStudy(plan, join(scratch, name), {
    threads,
    onEvent: (event, cell) => {
      if (event.type === 'begun') begun.push(cell.name);
      if (event.type === 'failed') failed.push(cell.name);
    },
    ...more,
  });
  return { summary, files, begun, failed };
}

const names = ['base-none/1', 'base-some/1', 'tuned/1', 'base-none/2', 'base-some/2', 'tuned/2'];

describe('a study', { timeout: 600_000 }, () => {
  it('trains, chooses on validation pairs, judges, and tells what came of it', async () => {
    const plan = await open('whole');
    expect(plan.cells.map(({ name }) => name)).toEqual(names);
    // 12 people: 3 for validation, 3 for the test, 6 left.
    expect(plan.data.training).toMatchObject({ identities: 6, images: 36, heldOut: 6 });
    const before = await estimate(plan, { threads });
    expect(before.from).toEqual({ finishedCells: 0, runs: 0, measured: 6 });
    expect(before.seconds).toBeGreaterThan(0);

    const { summary, files, begun, failed } = await run(plan, 'whole');
    expect(begun).toEqual(names);
    expect(failed).toEqual([]);
    for (const cell of plan.cells) {
      const validation = (await readValidation(cell))!;
      const step = cell.arm === 'tuned' ? 2 : 4;
      expect(validation.snapshots.map(({ iteration }) => iteration)).toEqual([step, 2 * step, 3 * step]);
      const best = Math.max(...validation.snapshots.map(({ accuracy }) => accuracy));
      const chosen = validation.snapshots.findLast(({ accuracy }) => accuracy === best)!;
      expect(validation.chosen).toBe(chosen.iteration);
      const judgement = (await readJudgement(cell, plan))!;
      expect(judgement.iteration).toBe(chosen.iteration);
      expect(judgement.threshold).toBe(chosen.threshold);
      expect([...judgement.correct].filter((digit) => digit === '1').length / judgement.correct.length).toBe(
        judgement.accuracy,
      );
      // The chosen snapshot and the model are left, the rest is thinned.
      expect((await readdir(runOf(cell))).sort()).toEqual(
        [
          ...(cell.arm === 'tuned' ? ['init.json'] : []),
          ...['log.jsonl', 'model.classifier.safetensors', 'model.onnx', 'recipe.json', 'run.json', 'snapshots'],
        ].sort(),
      );
      expect(await readdir(join(runOf(cell), 'snapshots'))).toEqual([`${chosen.iteration}.safetensors`]);
    }
    // A fine-tune starts from the cell of its own seed.
    const record = JSON.parse(await readFile(join(runOf(plan.cells[5]), 'run.json'), 'utf8')) as { init: string };
    expect(record.init).toBe(join(runOf(plan.cells[3]), 'model.onnx'));

    expect(summary.arms.map(({ name, seeds }) => [name, seeds])).toEqual([
      ['base-none', [1, 2]],
      ['base-some', [1, 2]],
      ['tuned', [1, 2]],
    ]);
    const [question] = summary.questions;
    expect(question.comparisons.map(({ arm, seeds }) => [arm, seeds])).toEqual([
      ['base-some', [1, 2]],
      ['tuned', [1, 2]],
    ]);
    for (const { arm, difference, interval } of question.comparisons) {
      const mean = (name: string) => summary.arms.find((one) => one.name === name)!.mean!;
      expect(difference).toBeCloseTo(mean(arm) - mean('base-none'), 12);
      expect(interval.low).toBeLessThanOrEqual(difference);
      expect(interval.high).toBeGreaterThanOrEqual(difference);
    }
    const page = await readFile(files.page, 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
    expect(page).toContain('The test pairs');
    const rows = (await readFile(files.csv, 'utf8')).trimEnd().split('\r\n');
    expect(rows).toHaveLength(7);
    expect(rows[1]).toMatch(/^base-none\/1,base-none,1,judged,12,/);
    const json = JSON.parse(await readFile(files.json, 'utf8')) as { answers: string[]; method: string };
    expect(json.answers[0]).toMatch(
      /^base-some against base-none: accuracy .* points, 95 % interval .* \(2 seeds, 40 pairs/,
    );
    expect(json.method).toContain('looked at once for each cell');
  });

  it('does nothing twice, and finds cells by content when the definition changes', async () => {
    const modified = async (plan: StudyPlan) =>
      Promise.all(plan.cells.map(async (cell) => (await stat(join(cell.folder, 'test.json'))).mtimeMs));
    const plan = await open('whole');
    const times = await modified(plan);
    expect((await run(plan, 'whole')).begun).toEqual([]);
    expect(await modified(plan)).toEqual(times);
    expect((await estimate(plan, { threads })).seconds).toBe(0);

    // Other names for the same content, one more seed, and one arm that is really another.
    const changed = await open('whole', {
      seeds: 3,
      arms: {
        control: { recipe: 'sphereface-m4-small' },
        stronger: { recipe: 'sphereface-m4-small', set: [energyOf(2)] },
      },
      questions: [],
    });
    const { begun, summary } = await run(changed, 'whole', { share: { part: 1, parts: 1 } });
    expect(begun).toEqual(['stronger/1', 'stronger/2', 'control/3', 'stronger/3']);
    expect(summary.arms[0].accuracies).toHaveLength(3);
    // Seconds of finished cells of the arm are what the estimate goes by.
    const more = await open('whole', { seeds: 4, arms: { control: { recipe: 'sphereface-m4-small' } }, questions: [] });
    expect((await estimate(more, { threads })).from).toEqual({ finishedCells: 1, runs: 0, measured: 0 });
  });

  it('goes on after an interruption in the middle of a run, to the same results', async () => {
    const plan = await open('stopped', { seeds: 1 });
    const stop = new AbortController();
    const onEvent = (event: WorkerEvent) => {
      if (event.type === 'iteration' && event.key === plan.cells[1].key && event.done === 5) stop.abort();
    };
    await expect(runStudy(plan, join(scratch, 'stopped'), { threads, signal: stop.signal, onEvent })).rejects.toThrow(
      InterruptedError,
    );
    expect(await statusOf(plan.cells[0], plan)).toBe('judged');
    expect(await statusOf(plan.cells[1], plan)).toBe('begun');
    {
      await using free = await claimCell(plan.cells[1]);
      expect(free).toBeDefined();
    }
    // What is left is what the checkpoint of the interruption, at 5, leaves of 12; a run under two names is one.
    const left = async (of: StudyPlan) => (await estimate(of, { threads })).cells;
    const checkpoints = join(runOf(plan.cells[1]), 'checkpoints');
    const rest = (await left(plan)).get(plan.cells[1])!;
    await rename(checkpoints, `${checkpoints}.aside`);
    expect(rest / (await left(plan)).get(plan.cells[1])!).toBeCloseTo(7 / 12, 6);
    await rename(`${checkpoints}.aside`, checkpoints);
    const twice = { one: { recipe: 'sphereface-m3-small' }, other: { recipe: 'sphereface-m3-small' } };
    expect((await left(await open('stopped', { arms: twice, seeds: 1, questions: [] }))).size).toBe(1);
    const { begun, summary } = await run(plan, 'stopped');
    expect(begun).toEqual(names.slice(1, 3));
    const whole = await writeResults(await open('whole'), join(scratch, 'whole'));
    const figures = ({ cells }: typeof summary) =>
      cells.map(({ name, accuracy, chosen, loss }) => [name, accuracy, chosen, loss]);
    expect(figures(summary)).toEqual(figures(whole.summary).slice(0, 3));
  });

  it('reports a cell that fails, goes on with the others, and tries it again the next time', async () => {
    const arms = {
      base: { recipe: 'sphereface-m4-small' },
      // A learning rate at which the loss explodes.
      wild: { recipe: 'sphereface-m4-small', set: ['solver.baseLearningRate=1e6', 'solver.clipNorm=null'] },
      tuned: { recipe: 'sphereface-plus-m4-small', from: 'wild', set: ['solver.iterations=6'] },
    };
    const question = { ask: 'Is it wild?', against: 'base', arms: ['wild'] };
    const plan = await open('failing', { arms, seeds: 1, questions: [question] });
    const { failed, summary, files } = await run(plan, 'failing');
    expect(failed).toEqual(['wild/1', 'tuned/1']);
    expect(summary.cells.map(({ status }) => status)).toEqual(['judged', 'failed', 'failed']);
    expect(summary.cells[2].error).toMatch(/start, wild\/1, has failed/);
    expect(summary.questions[0].comparisons).toEqual([]);
    const page = await readFile(files.page, 'utf8');
    expect(page).toContain('No seed of both sides is judged yet');
    expect(page).toMatch(/wild\/1: .*(exploded|diverged|not finite|loss)/i);
    // The column of a seed is its own: the place of one without a result is empty.
    const wanted = [
      { ...summary.arms[0], seeds: [2], accuracies: [0.75], wanted: [1, 2] },
      { ...summary.arms[1], wanted: [9] },
    ];
    const rows = [...renderStudy({ ...summary, arms: wanted }, [], []).matchAll(/<tr>\s*<td>(base|wild)<[^]*?<\/tr>/g)];
    const places = rows.map(([row]) => [...row.matchAll(/<td class="n">([^<]*)/g)].slice(0, 3).map(([, text]) => text));
    expect(places).toEqual([
      ['', '75.00', ''],
      ['', '', ''],
    ]);
    const again = await run(plan, 'failing');
    expect(again.begun).toEqual(['wild/1', 'tuned/1']);
  });

  it('judges again on other test pairs, and trains again for other validation pairs when snapshots were thinned', async () => {
    const one = { arms: { base: { recipe: 'sphereface-m4-small' } }, seeds: 1, questions: [] };
    const plan = await open('judged', one);
    await run(plan, 'judged');
    const log = async () => (await stat(join(runOf(plan.cells[0]), 'log.jsonl'))).mtimeMs;
    const trained = await log();
    // The same people held out, other pairs of them.
    const kFold = await open('judged', { ...one, test: { holdOut: 0.25, pairsOfEachKind: 20, protocol: 'k-fold' } });
    expect(kFold.cells[0].key).toBe(plan.cells[0].key);
    expect((await run(kFold, 'judged')).begun).toEqual(['base/1']);
    expect((await readJudgement(kFold.cells[0], kFold))!.threshold).toBeNull();
    expect(await log()).toBe(trained);
    const validation = [{ holdOut: 0.25, pairsOfEachKind: 10 }];
    const other = await open('judged', { ...one, validation });
    expect(other.cells[0].key).toBe(plan.cells[0].key);
    await run(other, 'judged');
    expect(await log()).toBeGreaterThan(trained);
  });

  it('goes on with the training again for other validation pairs where it was interrupted', async () => {
    const one = { arms: { base: { recipe: 'sphereface-m4-small' } }, seeds: 1, questions: [] };
    await run(await open('again', one), 'again');
    const plan = await open('again', { ...one, validation: [{ holdOut: 0.25, pairsOfEachKind: 10 }] });
    const done: number[] = [];
    const stop = new AbortController();
    const onEvent = (event: WorkerEvent) => {
      if (event.type === 'iteration' && done.push(event.done) === 9) stop.abort();
    };
    const options = { threads, onEvent };
    await expect(runStudy(plan, join(scratch, 'again'), { ...options, signal: stop.signal })).rejects.toThrow(
      InterruptedError,
    );
    await runStudy(plan, join(scratch, 'again'), options);
    expect(done).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(await statusOf(plan.cells[0], plan)).toBe('judged');
  });

  it('keeps its data when the folder is opened with another definition, and refuses a wrong one before it draws any', async () => {
    const one = { arms: { base: { recipe: 'sphereface-m4-small' } }, seeds: 1, questions: [] };
    const plan = await open('beside', one);
    const laidOut = [plan.data.training.path, ...plan.data.validation.map(({ pairs }) => pairs), plan.data.test.pairs];
    const contents = () => Promise.all(laidOut.map((path) => readFile(path, 'utf8')));
    const before = await contents();
    const other = await open('beside', { ...one, test: { holdOut: 0.4, pairsOfEachKind: 30 } });
    expect(other.cells[0].key).not.toBe(plan.cells[0].key);
    expect(await contents()).toEqual(before);
    expect((await run(plan, 'beside')).failed).toEqual([]);

    const empty = join(scratch, 'refused');
    const wrong = { recipe: 'sphereface-m4-small', set: ['solver.iterations=none'] };
    await expect(openStudy(parseStudy(tiny({ arms: { wrong }, questions: [] })), empty)).rejects.toThrow(/iterations/);
    await expect(stat(empty)).rejects.toThrow(/ENOENT/);
  });

  it('fails a cell whose data are no longer those of its key', async () => {
    const one = { arms: { base: { recipe: 'sphereface-m4-small' } }, seeds: 1, questions: [] };
    const plan = await open('altered', one);
    const rewrite = async (path: string, change: (lines: string[]) => string[]) =>
      writeFile(path, change((await readFile(path, 'utf8')).split('\n')).join('\n'));
    const error = async () => (await run(plan, 'altered')).summary.cells[0].error;
    await rewrite(plan.data.training.path, (lines) => lines.slice(1));
    expect(await error()).toMatch(/training data of the study have changed/);
    await open('altered', one);
    await rewrite(plan.data.test.pairs, (lines) => lines.toSpliced(0, 2, lines[1], lines[0]));
    expect(await error()).toMatch(/pairs of the study have changed[^]*give the same command again/);
    // Opened again, the files are what they were.
    expect((await run(await open('altered', one), 'altered')).failed).toEqual([]);
  });

  it('divides cells into shares, and starts what a share needs', async () => {
    const arms = {
      base: { recipe: 'sphereface-m4-small' },
      tuned: { recipe: 'sphereface-plus-m4-small', from: 'base' },
    };
    const plan = await open('shares', { arms, set: [...tinySettings, 'solver.iterations=6'], questions: [] });
    const all = ['base/1', 'tuned/1', 'base/2', 'tuned/2'];
    const shares = [1, 2, 3, 4].map((part) => cellsOfShare(plan.cells, { part, parts: 4 }).map(({ name }) => name));
    expect(shares).toEqual(all.map((name) => [name]));
    const { begun } = await run(plan, 'shares', { share: { part: 2, parts: 4 } });
    expect(begun).toEqual(['base/1', 'tuned/1']);
    // Two workers at once: each cell is done by one of them.
    const both = await Promise.all([run(plan, 'shares'), run(plan, 'shares')]);
    expect(both.flatMap(({ begun: of }) => of).sort()).toEqual(['base/2', 'tuned/2']);
  });

  it('says once that it waits for a cell that another process is at work on', async () => {
    const plan = await open('waiting', { arms: { base: { recipe: 'sphereface-m4-small' } }, seeds: 1, questions: [] });
    const [cell] = plan.cells;
    const other = (await claimCell(cell))!;
    const events: WorkerEvent[] = [];
    const onEvent = (event: WorkerEvent) => {
      events.push(event);
      // Long enough for a second look.
      if (event.type === 'waiting') setTimeout(() => void other[Symbol.asyncDispose](), 1500);
    };
    await runStudy(plan, join(scratch, 'waiting'), { threads, onEvent });
    expect(events.filter(({ type }) => type === 'waiting')).toEqual([{ type: 'waiting', key: cell.key }]);
    expect(events.at(-1)!.type).toBe('judged');
  });

  it('works on a start again that is judged but has lost its model', async () => {
    const arms = {
      base: { recipe: 'sphereface-m4-small' },
      tuned: { recipe: 'sphereface-plus-m4-small', from: 'base' },
      more: { recipe: 'sphereface-plus-m4-small', from: 'tuned' },
    };
    const plan = await open('lost', { arms, seeds: 1, questions: [] });
    const { summary } = await run(plan, 'lost');
    for (const cell of plan.cells.slice(0, 2)) await rm(join(runOf(cell), 'model.onnx'));
    expect((await run(plan, 'lost')).begun).toEqual([]);
    await rm(join(plan.cells[2].folder, 'test.json'));
    await rm(runOf(plan.cells[2]), { recursive: true });
    const again = await run(plan, 'lost');
    expect(again.begun).toEqual(['base/1', 'tuned/1', 'more/1']);
    expect(again.summary.cells.map(({ accuracy }) => accuracy)).toEqual(summary.cells.map(({ accuracy }) => accuracy));
  });

  it('fails the cell whose process was killed, and works on', async () => {
    const plan = await open('jobs', { arms: { base: { recipe: 'sphereface-m4-small' } }, questions: [] });
    // A worker that says it has begun the first cell that nobody has failed, and is killed; without one it ends well.
    const worker = `
      import { existsSync } from 'node:fs';
      const cells = ${JSON.stringify(plan.cells.map(({ key, folder }) => ({ key, folder })))};
      const open = cells.find(({ folder }) => !existsSync(folder + '/failure.json'));
      if (open === undefined) process.exit(0);
      await (await import('node:fs/promises')).mkdir(open.folder, { recursive: true });
      process.send({ type: 'begun', key: open.key }, () => process.kill(process.pid, 'SIGKILL'));`;
    const events: WorkerEvent[] = [];
    const command = [process.execPath, '--input-type=module', '-e', worker];
    await runJobs(plan, { jobs: 1, command, onEvent: (event) => events.push(event) });
    expect(events.map(({ type }) => type)).toEqual(['begun', 'failed', 'begun', 'failed']);
    expect(await Promise.all(plan.cells.map((cell) => statusOf(cell, plan)))).toEqual(['failed', 'failed']);
    const { summary } = await writeResults(plan, join(scratch, 'jobs'));
    expect(summary.cells[0].error).toMatch(/ended with SIGKILL/);
    const broken = runJobs(plan, { jobs: 1, command: [process.execPath, '-e', 'process.exit(3)'] });
    await expect(broken).rejects.toThrow(/before it had begun a cell[^]*it ended with status 3/);
  });
});

describe('a worker whose parent is gone', () => {
  it('does not die of telling it something', async () => {
    const jobs = new URL('./jobs.ts', import.meta.url).href;
    const worker = `
      import { tellParent } from ${JSON.stringify(jobs)};
      process.once('disconnect', () => {
        tellParent({ type: 'begun', key: 'x' });
        setTimeout(() => process.exit(7), 100);
      });
      process.send('ready');`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', worker], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.once('message', () => child.disconnect());
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(7);
  }, 60_000);
});

describe('cells that are killed at any moment', { timeout: 600_000 }, () => {
  it('count as not judged with a damaged record, which is told, and are judged again', async () => {
    const arms = { base: { recipe: 'sphereface-m4-small' }, other: { recipe: 'sphereface-m3-small' } };
    const plan = await open('damaged', { arms, seeds: 1, questions: [] });
    const { summary: before } = await run(plan, 'damaged');
    const [cell] = plan.cells;
    const log = async () => (await stat(join(runOf(cell), 'log.jsonl'))).mtimeMs;
    const trained = await log();
    for (const names of [['test.json'], ['validation.json'], ['test.json', 'validation.json']]) {
      for (const name of names) await writeFile(join(cell.folder, name), '');
      const { summary } = await writeResults(plan, join(scratch, 'damaged'));
      expect(summary.cells.map(({ status }) => status)).toEqual(['trained', 'judged']);
      expect(summary.warnings).toHaveLength(names.length);
      expect(summary.warnings.join()).toMatch(new RegExp(`base/1: .*${names.at(-1)} is not JSON.*got: nothing`));
      // Of both nobody knows what the snapshot that is left was chosen on.
      const { summary: after } = await run(plan, 'damaged');
      expect(after.cells.map(({ accuracy, chosen }) => [accuracy, chosen])).toEqual(
        before.cells.map(({ accuracy, chosen }) => [accuracy, chosen]),
      );
      expect((await log()) > trained).toBe(names.length === 2);
    }
  });

  it('are read as they are: a half-written log, a checkpoint alone, a run without judgement', async () => {
    const one = { arms: { base: { recipe: 'sphereface-m4-small' } }, seeds: 1, questions: [] };
    const plan = await open('killed', { ...one, keep: 'all' });
    await run(plan, 'killed');
    const [cell] = plan.cells;
    const judgement = await readJudgement(cell, plan);
    const lines = await logOf(runOf(cell)).lines();
    for (const damage of [
      () => rm(join(cell.folder, 'test.json')),
      async () => {
        await rm(join(cell.folder, 'test.json'));
        const validation = (await readValidation(cell))!;
        await writeFile(
          join(cell.folder, 'validation.json'),
          JSON.stringify({ ...validation, snapshots: validation.snapshots.slice(0, 1), chosen: null }),
        );
      },
    ]) {
      await damage();
      expect(await statusOf(cell, plan)).toBe('trained');
      await run(plan, 'killed');
      expect({ ...(await readJudgement(cell, plan)), seconds: 0 }).toEqual({ ...judgement, seconds: 0 });
    }
    await cp(join(runOf(cell), 'log.jsonl'), join(scratch, 'log.jsonl'));
    await writeFile(join(runOf(cell), 'log.jsonl'), `${await readFile(join(scratch, 'log.jsonl'), 'utf8')}{"iterat`);
    expect(await logOf(runOf(cell)).lines()).toEqual(lines);
  });
});
