// `sphereface study`: a grid of runs with several seeds, chosen, judged and compared.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'yaml';
import { counted, InterruptedError, lineOf, UsageError } from '../common/index.js';
import {
  answersOf,
  builtInStudies,
  type Cell,
  estimateStudy,
  loadStudy,
  openStudy,
  runStudy,
  type Share,
  type StudyFiles,
  type StudyPlan,
  type StudySummary,
  studyStatus,
  tellParent,
  workOnStudy,
  type WorkerEvent,
  writeStudyResults,
} from '../pipeline/index.js';
import { collect, type CommonOptions, Output, positiveInteger, Progress, withCommonOptions } from './context.js';
import { interruptQuietly, untilInterrupted } from './interrupt.js';
import { duration } from './progress.js';
import { isFirst } from './ranks.js';

interface StudyOptions extends CommonOptions {
  readonly output?: string;
  readonly set?: readonly string[];
  readonly jobs: number;
  readonly cell?: Share;
  readonly dryRun?: boolean;
  readonly summary?: boolean;
  readonly list?: boolean;
  readonly worker?: boolean;
}

export function registerStudy(program: Command): void {
  withCommonOptions(
    program
      .command('study')
      .description('a grid of runs with several seeds: train, choose snapshots, judge, compare; run it again to go on')
      .argument('[study]', 'a built-in study (see --list), or a .yaml or .json file')
      .option('-o, --output <folder>', 'where everything goes')
      .option('--set <path=value>', 'change one value of the study; may be given several times', collect)
      .addOption(
        new Option('--jobs <n>', 'cells side by side, the threads divided among them')
          .argParser(positiveInteger)
          .default(1),
      )
      .addOption(
        new Option('--cell <i/n>', 'only the i-th of n parts of the cells, for job arrays; 1 is the first').argParser(
          part,
        ),
      )
      .option('--dry-run', 'print the cells, how far they are, and how long the rest will take')
      .option('--summary', 'only write the results of what is finished')
      .option('--list', 'list the built-in studies, or print one as YAML')
      .addOption(new Option('--worker', 'work for another process of this command').hideHelp()),
  ).action(study);
}

async function study(name: string | undefined, options: StudyOptions): Promise<void> {
  const out = new Output(options.json === true);
  if (options.list === true) {
    list(name, out);
    return;
  }
  if (name === undefined || options.output === undefined) {
    throw new UsageError('A study needs its file or name, and a folder.', {
      expected: 'sphereface study STUDY.yaml -o OUT',
      next: 'sphereface study --list lists the built-in ones',
    });
  }
  const folder = options.output;
  const definition = await loadStudy(name, options.set);
  if (options.worker === true) {
    interruptQuietly();
    // Whoever has started this process is gone.
    const orphaned = (): void => void process.kill(process.pid, 'SIGTERM');
    process.once('disconnect', orphaned);
    try {
      const plan = await openStudy(definition, folder);
      await untilInterrupted((signal) => workOnStudy(plan, { ...working(options), signal, onEvent: tellParent }));
    } catch (error) {
      // The exit status says it; the other process tells it, once for all of its workers.
      if (!(error instanceof InterruptedError)) throw error;
    } finally {
      // However it ended: the channel to the other process would keep this one alive.
      process.off('disconnect', orphaned);
      process.disconnect?.();
    }
    return;
  }
  const plan = await prepared(definition, folder);
  if (options.dryRun === true) {
    await dryRun(plan, options, out);
    return;
  }
  if (options.summary === true) {
    report(out, await writeStudyResults(plan, folder));
    return;
  }
  const { threads, jobs } = options;
  const perJob = Math.max(1, Math.floor(threads / jobs));
  using view = await StudyView.of(plan, out);
  const finished = await untilInterrupted((signal) =>
    runStudy(plan, folder, {
      ...working({ ...options, threads: perJob }),
      jobs,
      workerCommand: workerCommand(name, options, perJob),
      signal,
      onEvent: (event, cell) => view.tell(event, cell),
    }),
  );
  view[Symbol.dispose]();
  // Of several ranks each has worked until all cells were done. One that ended with a status of its own would end the others.
  if (!isFirst()) return;
  report(out, finished);
  if (finished.summary.cells.some(({ status }) => status === 'failed')) process.exitCode = 1;
}

function working({ device, threads, cell }: StudyOptions) {
  return { device, threads, ...(cell === undefined ? {} : { share: cell }) };
}

/** The command of one of several workers: this one, as a worker. */
function workerCommand(name: string, options: StudyOptions, threads: number): string[] {
  const { output, set = [], device, cell } = options;
  return [
    ...[process.execPath, ...process.execArgv, process.argv[1], 'study', name, '-o', output!, '--worker'],
    ...['--device', device, '--threads', String(threads)],
    ...set.flatMap((setting) => ['--set', setting]),
    ...(cell === undefined ? [] : ['--cell', `${cell.part}/${cell.parts}`]),
  ];
}

async function prepared(definition: Parameters<typeof openStudy>[0], folder: string): Promise<StudyPlan> {
  let progress: Progress | undefined;
  try {
    return await openStudy(definition, folder, {
      onProgress: (done, total) => {
        progress ??= new Progress('draw synthetic people', total);
        progress.update(done);
      },
    });
  } finally {
    progress?.[Symbol.dispose]();
  }
}

function list(name: string | undefined, out: Output): void {
  if (name === undefined) {
    const studies = [...builtInStudies.values()].map(({ name, description }) => ({ name, description }));
    for (const { name, description } of studies) out.line(`${name.padEnd(12)}${description}`);
    out.result({ studies });
    return;
  }
  const study = builtInStudies.get(name);
  if (study === undefined) throw new UsageError(`There is no study "${name}".`, { next: 'sphereface study --list' });
  out.line(stringify(study).trimEnd());
  out.result(study);
}

async function dryRun(plan: StudyPlan, options: StudyOptions, out: Output): Promise<void> {
  const { device, threads, jobs } = options;
  const { cells, seconds, from } = await estimateStudy(plan, { device, threads });
  const rows = await Promise.all(
    plan.cells.map(async (cell) => ({ cell, status: await studyStatus(cell, plan), seconds: cells.get(cell) ?? null })),
  );
  for (const { cell, status, seconds: left } of rows) {
    const start =
      cell.start === undefined ? '' : ` from ${typeof cell.start === 'string' ? cell.start : cell.start.name}`;
    const time = left === null ? '' : `, ${duration(left)}`;
    out.line(
      `${cell.key}  ${cell.name}: ${cell.recipe.name}, ${cell.recipe.solver.iterations} iterations${start}: ${status}${time}`,
    );
  }
  const sources = [
    `${from.finishedCells} from finished cells`,
    `${from.runs} from runs of the same network`,
    `${from.measured} from a few measured steps, without evaluation`,
  ];
  out.line(
    `${cells.size} of ${counted(new Set(plan.cells.map(({ key }) => key)).size, 'cell')} ${cells.size === 1 ? 'is' : 'are'} left: about ${duration(seconds)} one after the other on ${counted(threads, 'thread')}`,
  );
  out.line(`estimated: ${sources.join('; ')}`);
  if (jobs > 1) out.line(`with --jobs ${jobs} the same threads are divided: about as long, or somewhat less`);
  out.result({
    cells: rows.map(({ cell: { key, name, recipe }, status, seconds: left }) => ({
      key,
      name,
      recipe: recipe.name,
      iterations: recipe.solver.iterations,
      status,
      seconds: left,
    })),
    left: cells.size,
    seconds,
    from,
  });
}

function report(out: Output, { summary, files }: { readonly summary: StudySummary; readonly files: StudyFiles }): void {
  const judged = summary.cells.filter(({ status }) => status === 'judged').length;
  out.line(`${judged} of ${summary.cells.length} cells judged`);
  for (const text of summary.warnings) out.warn(text);
  for (const { name, error } of summary.cells) if (error !== null) out.warn(`${name} failed: ${lineOf(error)}`);
  for (const { name, accuracies, mean, standardDeviation } of summary.arms) {
    if (mean === null) continue;
    const spread = standardDeviation === null ? '' : ` ± ${(100 * standardDeviation).toFixed(2)}`;
    out.line(
      `${name}: ${(100 * mean).toFixed(2)}${spread} % (${accuracies.length} seed${accuracies.length === 1 ? '' : 's'})`,
    );
  }
  const answers = answersOf(summary);
  for (const answer of answers) out.line(answer);
  out.line(`results   ${files.page}, ${files.json}, ${files.csv}`);
  out.result({ ...files, judged, cells: summary.cells.length, arms: summary.arms, answers });
}

/** Shows how the cells go: a line when one begins and ends, and the iterations of all. */
class StudyView implements Disposable {
  private readonly progress: Progress;
  private readonly iterations = new Map<string, number>();

  private constructor(
    plan: StudyPlan,
    private readonly out: Output,
  ) {
    const total = plan.cells.reduce((sum, { recipe }) => sum + recipe.solver.iterations, 0);
    this.progress = new Progress('train', total, 'iterations');
  }

  /** With the cells that are judged already counted as done. */
  static async of(plan: StudyPlan, out: Output): Promise<StudyView> {
    const view = new StudyView(plan, out);
    for (const cell of plan.cells) {
      if ((await studyStatus(cell, plan)) === 'judged') view.iterations.set(cell.name, cell.recipe.solver.iterations);
    }
    return view;
  }

  tell(event: WorkerEvent, { name, recipe }: Cell): void {
    switch (event.type) {
      case 'begun':
        this.out.line(`${name}: ${recipe.name}`);
        return;
      case 'waiting':
        this.out.line(`waiting for cells that others are at work on, such as ${name}`);
        return;
      case 'iteration': {
        this.iterations.set(name, event.done);
        this.progress.update([...this.iterations.values()].reduce((sum, done) => sum + done, 0));
        return;
      }
      case 'judged':
        this.out.line(
          `${name}: ${(100 * event.accuracy).toFixed(2)} % with the snapshot of iteration ${event.iteration}`,
        );
        return;
      case 'failed':
        this.out.warn(`${name} failed: ${lineOf(event.message)}`);
        return;
      case 'warning':
        this.out.warn(`${name}: ${event.text}`);
    }
  }

  [Symbol.dispose](): void {
    this.progress[Symbol.dispose]();
  }
}

function part(text: string): Share {
  const [, first, second] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  const [i, n] = [Number(first), Number(second)];
  if (!(i >= 1 && i <= n)) throw new InvalidArgumentError('expected i/n, for example 1/4 to 4/4');
  return { part: i, parts: n };
}
