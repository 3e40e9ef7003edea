// What a study says before its data are looked at: its arms, its questions, and the recipe of every arm. All that can be wrong with it
// is found here, before anything is drawn, hashed or written.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../../common/digest.js';
import { UsageError } from '../../common/errors.js';
import { loadStatedRecipe, openNetwork, type Recipe, type StatedRecipe } from '../../training/index.js';
import { type Arm, armsOf, type Question, questionsOf } from './arms.js';
import type { StudyDefinition } from './schema.js';

/** The recipe of an arm, its snapshots evenly spaced; the seed is the cell's. */
export interface ArmRecipe extends StatedRecipe {
  /** The same with what the file of its network decides, and the file's digest, where it is known before anything is trained. */
  readonly opened: Recipe | undefined;
}

export interface StudyOutline {
  readonly definition: StudyDefinition;
  readonly arms: readonly Arm[];
  readonly questions: readonly Question[];
  readonly recipes: ReadonlyMap<Arm, ArmRecipe>;
  /** Digests of the models that arms start from (`init`), by path. */
  readonly starts: ReadonlyMap<string, string>;
}

/** Checks a study. @throws UsageError for arms, questions, recipes and starts that are not right. */
export async function outlineStudy(definition: StudyDefinition): Promise<StudyOutline> {
  const arms = armsOf(definition);
  const questions = questionsOf(definition, arms);
  const recipes = new Map<Arm, ArmRecipe>();
  for (const arm of arms) recipes.set(arm, await recipeOf(arm));
  const starts = new Map<string, string>();
  for (const { init } of arms) {
    if (init !== undefined && !starts.has(init)) starts.set(init, await digestOfStart(init));
  }
  return { definition, arms, questions, recipes, starts };
}

async function recipeOf(arm: Arm): Promise<ArmRecipe> {
  const stated = await loadStatedRecipe(arm.recipe, [...arm.settings, 'log.keep=1']);
  const { log, solver, start, network } = stated.recipe;
  const { from, init } = arm;
  const namesFile = typeof network.file === 'string';
  if (start === 'model' && from === undefined && init === undefined && !namesFile) {
    throw new UsageError(`The arm ${arm.name} is a fine-tune (${arm.recipe}) without a start.`, {
      next: 'say from: ARM, init: MODEL, or set start=scratch',
    });
  }
  const snapshots = log.snapshots ?? Math.ceil(solver.iterations / arm.snapshots);
  const recipe = { ...stated.recipe, log: { ...log, snapshots } };
  // The network that an arm takes over from another one is decided by that one's cell.
  const known = from === undefined || namesFile;
  const file = known ? await openNetwork({ ...stated, recipe, ...(init === undefined ? {} : { init }) }) : undefined;
  return { ...stated, recipe, opened: file?.recipe };
}

/** A model's bytes; of a run, its model's. */
async function digestOfStart(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  const file = found?.isDirectory() === true ? join(path, 'model.onnx') : path;
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new UsageError(`There is no model at ${path} to start from.`, {
      expected: 'an .onnx or .safetensors file, or the folder of a finished run',
      cause,
    });
  });
  return digestOf(bytes);
}
