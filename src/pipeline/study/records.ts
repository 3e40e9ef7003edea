// What a cell leaves in its folder as it goes through its stages: each file is there whole or not at all, and says what it was made from.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../common/atomic.js';
import { lineOf } from '../../common/errors.js';
import { exists } from '../../common/exists.js';
import { parseJson } from '../../common/json.js';
import type { Cell, StudyPlan } from './cells.js';

const share = z.number().min(0).max(1);

const snapshotSchema = z.strictObject({
  iteration: z.int().positive(),
  /** Mean over the validation sets. */
  accuracy: share,
  /** Of each validation set, at its best threshold. */
  accuracies: z.array(share),
  /** The best threshold of the first set. */
  threshold: z.number(),
  seconds: z.number().nonnegative(),
});

const validationSchema = z.strictObject({
  format: z.literal(1),
  /** Of the validation pairs. */
  key: z.string(),
  snapshots: z.array(snapshotSchema),
  /** The iteration of the best, once all are evaluated. */
  chosen: z.int().positive().nullable(),
});

const judgementSchema = z.strictObject({
  format: z.literal(1),
  /** Of the test pairs, the protocol and the validation pairs. */
  key: z.string(),
  packageVersion: z.string(),
  iteration: z.int().positive(),
  threshold: z.number().nullable(),
  /** Share of all pairs that were decided rightly. */
  accuracy: share,
  auc: share,
  eer: share,
  /** A digit per pair, 1 where it was decided rightly. */
  correct: z.string().regex(/^[01]+$/),
  /** True-accept rate at false-accept rates, on plain cosine. */
  roc: z.array(z.tuple([share, share])),
  missing: z.int().nonnegative(),
  seconds: z.number().nonnegative(),
});

const failureSchema = z.strictObject({ message: z.string(), at: z.string() });

/** One snapshot on the validation pairs. */
export type ValidatedSnapshot = z.output<typeof snapshotSchema>;
export type Validation = z.output<typeof validationSchema>;
export type Judgement = z.output<typeof judgementSchema>;
export type Failure = z.output<typeof failureSchema>;

/** How far a cell is. `failed` is what the last attempt came to; the next one tries again. */
export type CellStatus = 'waiting' | 'begun' | 'trained' | 'judged' | 'failed';

/** The run's folder of a cell. */
export function runOf(cell: Cell): string {
  return join(cell.folder, 'run');
}

/** The model that a cell starts from, once its start is trained. */
export function initOf({ start }: Cell): string | undefined {
  return typeof start === 'object' ? join(runOf(start), 'model.onnx') : start;
}

/** Digest of what snapshots are chosen on. */
export function validationKey({ data }: StudyPlan): string {
  return data.validation.map(({ key }) => key).join('+');
}

/** Digest of what a chosen snapshot is judged on. */
export function judgementKey(plan: StudyPlan): string {
  return `${plan.data.test.key} ${plan.definition.test.protocol} ${validationKey(plan)}`;
}

export async function readValidation(cell: Cell): Promise<Validation | undefined> {
  return read(cell, 'validation.json', validationSchema);
}

/** The judgement of a cell, if it was made on the pairs of this plan. With a damaged choice beside it, it is worked out again. */
export async function readJudgement(cell: Cell, plan: StudyPlan): Promise<Judgement | undefined> {
  const found = await judgementOn(cell, plan);
  return found === undefined || (await damageOf(cell, 'validation.json')) !== undefined ? undefined : found;
}

/** Whether the snapshot that is left of a cell is known to have been chosen on the pairs of this plan. */
export async function isChosen(cell: Cell, plan: StudyPlan): Promise<boolean> {
  const validation = await readValidation(cell);
  return validation?.key === validationKey(plan) || (await judgementOn(cell, plan)) !== undefined;
}

async function judgementOn(cell: Cell, plan: StudyPlan): Promise<Judgement | undefined> {
  const found = await read(cell, 'test.json', judgementSchema);
  return found?.key === judgementKey(plan) ? found : undefined;
}

/** Seconds that choosing and judging a cell have taken. */
export async function evaluationSeconds(cell: Cell, plan: StudyPlan): Promise<number> {
  const validation = await readValidation(cell);
  const judgement = await readJudgement(cell, plan);
  const chosen = validation?.snapshots.reduce((sum, { seconds }) => sum + seconds, 0) ?? 0;
  return chosen + (judgement?.seconds ?? 0);
}

export async function readFailure(cell: Cell): Promise<Failure | undefined> {
  return read(cell, 'failure.json', failureSchema);
}

export async function writeValidation(cell: Cell, value: Validation): Promise<void> {
  await write(cell, 'validation.json', value);
}

export async function writeJudgement(cell: Cell, value: Judgement): Promise<void> {
  await write(cell, 'test.json', value);
}

export async function writeFailure(cell: Cell, message: string): Promise<void> {
  await write(cell, 'failure.json', { message, at: new Date().toISOString() } satisfies Failure);
}

/** Takes a cell back to its beginning. The records go after the run: killed in between, this is done again. */
export async function startOver(cell: Cell): Promise<void> {
  await rm(runOf(cell), { recursive: true, force: true });
  for (const name of ['validation.json', 'test.json']) await rm(join(cell.folder, name), { force: true });
}

/** What is in a cell's folder, for people who look into it. */
export async function describeCell(cell: Cell): Promise<void> {
  const start = cell.start === undefined || typeof cell.start === 'string' ? cell.start : cell.start.name;
  await write(cell, 'cell.json', { name: cell.name, recipe: cell.recipe.name, seed: cell.seed, start: start ?? null });
}

/** Whether a cell's run is finished. */
export async function isTrained(cell: Cell): Promise<boolean> {
  return exists(join(runOf(cell), 'model.onnx'));
}

/** How far a cell is, by what it has left. */
export async function statusOf(cell: Cell, plan: StudyPlan): Promise<CellStatus> {
  if ((await readJudgement(cell, plan)) !== undefined) return 'judged';
  if ((await readFailure(cell)) !== undefined) return 'failed';
  if (await isTrained(cell)) return 'trained';
  return (await exists(join(runOf(cell), 'run.json'))) ? 'begun' : 'waiting';
}

/** What is damaged of a cell's records, a sentence each. A full disk or a power cut leaves such files; they count as not there. */
export async function damagedRecords(cell: Cell): Promise<string[]> {
  const found = await Promise.all(recordNames.map((name) => damageOf(cell, name)));
  return found.flatMap((damage) => damage ?? []);
}

const schemas = {
  'validation.json': validationSchema,
  'test.json': judgementSchema,
  'failure.json': failureSchema,
} as const;
type RecordName = keyof typeof schemas;
const recordNames = Object.keys(schemas) as RecordName[];

async function damageOf(cell: Cell, name: RecordName): Promise<string | undefined> {
  try {
    await readWhole<unknown>(cell, name, schemas[name]);
    return undefined;
  } catch (error) {
    return lineOf(error);
  }
}

/** A record, if it is there and whole. */
async function read<T>(cell: Cell, name: RecordName, schema: z.ZodType<T>): Promise<T | undefined> {
  return readWhole(cell, name, schema).catch(() => undefined);
}

/** @throws SphereFaceError for a damaged record. */
async function readWhole<T>(cell: Cell, name: RecordName, schema: z.ZodType<T>): Promise<T | undefined> {
  const path = join(cell.folder, name);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined
    ? undefined
    : parseJson(
        schema,
        text,
        path,
        'the cell counts as not judged: give the command again, and it is worked out again',
      );
}

async function write(cell: Cell, name: string, value: object): Promise<void> {
  await writeFileAtomic(join(cell.folder, name), `${JSON.stringify(value)}\n`);
}
