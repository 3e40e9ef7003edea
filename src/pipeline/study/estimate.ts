// How long a study will take: from cells of the same arm that are finished, else from the speed of runs of the same network, else from a few steps.
import { openImageSource } from '../../images/index.js';
import {
  componentsOf,
  datasetOf,
  type LogLine,
  logOf,
  openNetwork,
  type Recipe,
  Trainer,
  type TrainerOptions,
} from '../../training/index.js';
import { checkpointsOf } from '../snapshots.js';
import type { Cell, StudyPlan } from './cells.js';
import { evaluationSeconds, initOf, isTrained, runOf, statusOf } from './records.js';

/** The time that the cells that are left will take one after the other. */
export interface Estimate {
  /** Seconds of each cell that is left; of cells with the same key, which are one run, the first. */
  readonly cells: ReadonlyMap<Cell, number>;
  readonly seconds: number;
  /** Cells whose speed was taken from where. */
  readonly from: { readonly finishedCells: number; readonly runs: number; readonly measured: number };
}

/** Seconds of training that a log tells of, whatever interrupted it. */
export function trainingSeconds(lines: readonly LogLine[], { solver }: Recipe): number {
  let before = 0;
  let seconds = 0;
  for (const { iteration, imagesPerSecond } of lines) {
    seconds += ((iteration - before) * solver.batchSize * solver.iterSize) / imagesPerSecond;
    before = iteration;
  }
  return seconds;
}

/** Estimates the cells that are left. Speeds that no run tells are measured on the data, some seconds for each network. */
export async function estimate(plan: StudyPlan, options: TrainerOptions): Promise<Estimate> {
  const finished = new Map<string, { readonly training: number; readonly evaluation: number }[]>();
  const speeds = new Map<string, number[]>();
  const left: Cell[] = [];
  for (const cell of plan.cells) {
    const lines = await logOf(runOf(cell)).lines();
    const status = await statusOf(cell, plan);
    if (status === 'judged') {
      const training = trainingSeconds(lines, cell.recipe);
      push(finished, cell.arm, { training, evaluation: await evaluationSeconds(cell, plan) });
    } else if (left.every(({ key }) => key !== cell.key)) left.push(cell);
    if (lines.length > 0) {
      const trained = lines.at(-1)!.iteration * imagesPerStep(cell.recipe);
      push(speeds, signature(cell), trained / trainingSeconds(lines, cell.recipe));
    }
  }
  const measured = new Map<string, number>();
  const cells = new Map<Cell, number>();
  const from = { finishedCells: 0, runs: 0, measured: 0 };
  for (const cell of left) {
    const { recipe } = cell;
    const share = await shareLeft(cell);
    const ofArm = finished.get(cell.arm);
    if (ofArm !== undefined) {
      from.finishedCells++;
      cells.set(cell, mean(ofArm.map(({ training, evaluation }) => share * training + evaluation)));
      continue;
    }
    const images = share * recipe.solver.iterations * imagesPerStep(recipe);
    const kind = signature(cell);
    const known = speeds.get(kind);
    if (known === undefined && !measured.has(kind)) measured.set(kind, await measure(cell, plan, options));
    from[known === undefined ? 'measured' : 'runs']++;
    cells.set(cell, images / (known === undefined ? measured.get(kind)! : mean(known)));
  }
  return { cells, seconds: [...cells.values()].reduce((sum, seconds) => sum + seconds, 0), from };
}

/** The share of its training that a cell has before it, from its newest checkpoint. */
async function shareLeft(cell: Cell): Promise<number> {
  if (await isTrained(cell)) return 0;
  const done = (await checkpointsOf(runOf(cell)).iterations()).at(-1) ?? 0;
  return 1 - done / cell.recipe.solver.iterations;
}

/** What of a cell decides its speed. */
function signature({ recipe, start }: Cell): string {
  const { network, input, loss, solver } = recipe;
  const { type } = loss.margin;
  const taken = takesFile(recipe) ? [typeof start === 'object' ? start.key : start] : [];
  const size = [input.width, input.height];
  return JSON.stringify([network, ...taken, ...size, type, loss.energy, loss.hiddenEnergy, solver.batchSize]);
}

/** Whether the network of a recipe lies in a file: its own, or that of the start. */
function takesFile(recipe: Recipe): boolean {
  return componentsOf(recipe).backbone.open !== undefined;
}

function imagesPerStep({ solver }: Recipe): number {
  return solver.batchSize * solver.iterSize;
}

const warmUpSteps = 2;
const measuredSteps = 5;

/** Images per second of a few steps on the data. For a network that its start is still to make, that one's speed stands. */
async function measure(cell: Cell, plan: StudyPlan, options: TrainerOptions): Promise<number> {
  const { recipe: stated, statedInput, start } = cell;
  if (typeof start === 'object' && takesFile(stated) && !(await isTrained(start))) {
    return await measure(start, plan, options);
  }
  const init = initOf(cell);
  const network = await openNetwork({ recipe: stated, statedInput, ...(init === undefined ? {} : { init }) });
  const { recipe, extensions = {} } = network ?? { recipe: stated };
  await using source = await openImageSource(plan.data.training.path);
  await using trainer = await Trainer.create(recipe, datasetOf(source, recipe.data), { ...options, extensions });
  for (let i = 0; i < warmUpSteps; i++) await trainer.step();
  const started = performance.now();
  for (let i = 0; i < measuredSteps; i++) await trainer.step();
  return (measuredSteps * imagesPerStep(recipe)) / ((performance.now() - started) / 1000);
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
