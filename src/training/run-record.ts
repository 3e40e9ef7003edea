// What a run's folder says of the run besides its weights: run.json (its data and its start) and recipe.json.
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../common/atomic.js';
import { SphereFaceError, UsageError } from '../common/errors.js';
import { exists } from '../common/exists.js';
import { parseJson } from '../common/json.js';
import type { CheckpointStore } from './checkpoint.js';
import type { Extensions } from './extensions.js';
import type { TrainingLog } from './log.js';
import { parseRecipe, type Recipe } from './recipe.js';

const runFile = 'run.json';
const recipeFile = 'recipe.json';

const common = {
  packageVersion: z.string(),
  /** Absolute path of the data. */
  data: z.string(),
  images: z.int().nonnegative(),
  fingerprint: z.string(),
  /** Absolute path of the model that it started from. */
  init: z.string().nullable(),
};

const runSchema = z.discriminatedUnion('format', [
  /** Version 0.1: the images are in the order of the source, and the fingerprint is over the names as the source has them. */
  z.strictObject({ ...common, format: z.literal(1), identities: z.int().nonnegative() }),
  z.strictObject({
    ...common,
    format: z.literal(2),
    /** The name of each class, and of those who are held out. */
    identities: z.array(z.string()),
    sample: z.array(z.string()),
  }),
]);

/** The content of run.json. */
export type RunRecord = z.output<typeof runSchema>;

/**
 * Reads run.json and recipe.json.
 * @throws SphereFaceError when the folder holds no run, or one of the two is damaged.
 */
export async function readRun(
  folder: string,
  extensions?: Extensions,
): Promise<{ readonly record: RunRecord; readonly recipe: Recipe }> {
  const next = `its checkpoints may still be good: start a new run from them with --init ${folder}`;
  const record = parseJson(runSchema, await readRunFile(folder, runFile), join(folder, runFile), next);
  const path = join(folder, recipeFile);
  const text = await readRunFile(folder, recipeFile);
  try {
    return { record, recipe: parseRecipe(parseJson(z.unknown(), text, path, next), { source: path, extensions }) };
  } catch (error) {
    // The user did not write this recipe: not wrong usage.
    if (error instanceof UsageError)
      throw new SphereFaceError(`${path} is not valid.`, {
        ...error.parts,
        next: `give its own margins, energies and backbones as extensions if it has such; else ${next}`,
      });
    throw error;
  }
}

/** Writes recipe.json, whole or not at all. */
export async function writeRecipe(folder: string, recipe: Recipe): Promise<void> {
  await writeFileAtomic(join(folder, recipeFile), `${JSON.stringify(recipe, null, 2)}\n`);
}

/** Writes run.json, whole or not at all: with it the folder holds a run. */
export async function writeRecord(folder: string, record: RunRecord): Promise<void> {
  await writeFileAtomic(join(folder, runFile), `${JSON.stringify(record, null, 2)}\n`);
}

/** Makes the folder one without a run again, for a run that failed before its first step. */
export async function removeRecord(folder: string): Promise<void> {
  await rm(join(folder, runFile), { force: true });
}

/**
 * Sees that a folder can take a new run. A run without a step is none: it has no log line and no checkpoint but that of its start.
 * @throws UsageError when there is something that would be lost.
 */
export async function assertFree(folder: string, checkpoints: CheckpointStore, log: TrainingLog): Promise<void> {
  const iterations = await checkpoints.iterations();
  if (!iterations.some((iteration) => iteration > 0) && !(await log.hasLines())) return;
  const whole = await exists(join(folder, runFile));
  const resumable = whole && iterations.length > 0;
  throw new UsageError(`${folder} already holds a run.`, {
    ...(resumable ? {} : { got: whole ? 'a log, but no checkpoint' : `checkpoints or a log, but no ${runFile}` }),
    next: resumable
      ? `continue it with sphereface train --resume ${folder}, or give another folder with -o`
      : whole
        ? startAnew(folder)
        : 'give another folder with -o',
  });
}

/** What to do about a run whose checkpoints are gone. */
export function startAnew(folder: string): string {
  const recipe = join(folder, recipeFile);
  return `start anew in another folder (sphereface train DATA --recipe ${recipe} -o RUN), or delete ${folder} first`;
}

async function readRunFile(folder: string, name: string): Promise<string> {
  return readFile(join(folder, name), 'utf8').catch((cause: unknown) => {
    throw new SphereFaceError(`${folder} holds no run.`, {
      got: `no readable ${name}`,
      expected: 'the folder that sphereface train -o wrote',
      cause,
    });
  });
}
