// What came of a study so far: its cells, its arms in the published form, and the answers to its questions. `study.json` holds it.
import { join, relative } from 'node:path';
import { packageVersion } from '../../common/version.js';
import {
  bootstrapDifference,
  type BootstrapOptions,
  defaultBootstrap,
  holm,
  type Interval,
  signFlipTest,
  spreadOf,
} from '../../evaluation/index.js';
import { type LogLine, logOf } from '../../training/index.js';
import type { Cell, StudyPlan } from './cells.js';
import { trainingSeconds } from './estimate.js';
import {
  type CellStatus,
  damagedRecords,
  evaluationSeconds,
  type Judgement,
  readFailure,
  readJudgement,
  readValidation,
  runOf,
  statusOf,
  type Validation,
} from './records.js';
import type { StudyDefinition } from './schema.js';

/** One cell as the results tell of it. Numbers of the log are those of its last line. */
export interface CellSummary {
  readonly name: string;
  readonly arm: string;
  readonly seed: number;
  readonly key: string;
  readonly status: CellStatus;
  /** Why it failed. */
  readonly error: string | null;
  readonly iterations: number;
  /** The chosen snapshot and its accuracy on the validation pairs. */
  readonly chosen: number | null;
  readonly validation: number | null;
  /** On the test pairs. */
  readonly accuracy: number | null;
  readonly auc: number | null;
  readonly eer: number | null;
  readonly threshold: number | null;
  readonly loss: number | null;
  readonly classification: number | null;
  readonly energy: number | null;
  readonly minimumAngle: number | null;
  readonly meanAngle: number | null;
  readonly seconds: number | null;
  /** Its folder, from that of the results. */
  readonly folder: string;
  /** The version that judged it. */
  readonly packageVersion: string | null;
}

/** An arm in the published form: every experiment, their mean, standard deviation, and the best. */
export interface ArmSummary {
  readonly name: string;
  /** Of the judged cells, in the order of the seeds. */
  readonly seeds: readonly number[];
  readonly accuracies: readonly number[];
  readonly mean: number | null;
  readonly standardDeviation: number | null;
  readonly best: number | null;
  /** The seeds that the study wants of it, judged or not. */
  readonly wanted: readonly number[];
}

/** One arm compared with the control, over the seeds that both have. */
export interface ComparisonSummary {
  readonly arm: string;
  readonly against: string;
  readonly seeds: readonly number[];
  readonly pairs: number;
  /** Accuracy of the arm minus that of the control. */
  readonly difference: number;
  readonly interval: Interval;
  /** Of the sign-flip test over seeds. */
  readonly probability: number;
  /** After Holm's correction for the other arms of the question. */
  readonly adjusted: number;
}

export interface QuestionSummary {
  readonly ask: string;
  readonly against: string;
  readonly arms: readonly string[];
  /** Of the arms that can be compared yet. */
  readonly comparisons: readonly ComparisonSummary[];
  /** Arms that are the control under another name: recipe, data and seeds agree, so that there is nothing to compare. */
  readonly identical: readonly string[];
}

export interface StudySummary {
  readonly name: string;
  readonly description: string;
  readonly packageVersion: string;
  readonly data: {
    readonly images: number;
    readonly identities: number;
    readonly heldOut: number;
    readonly validation: readonly string[];
    readonly test: string;
  };
  readonly bootstrap: BootstrapOptions;
  readonly cells: readonly CellSummary[];
  readonly arms: readonly ArmSummary[];
  readonly questions: readonly QuestionSummary[];
  /** What is odd about it, a sentence each. */
  readonly warnings: readonly string[];
  readonly definition: StudyDefinition;
}

/** A cell with what it has left: for curves. */
export interface CellResult {
  readonly cell: Cell;
  readonly summary: CellSummary;
  readonly lines: readonly LogLine[];
  readonly validation: Validation | undefined;
  readonly judgement: Judgement | undefined;
  /** What of it is damaged. */
  readonly warnings: readonly string[];
}

/** Reads what every cell has left. */
export async function readResults(plan: StudyPlan, folder: string): Promise<CellResult[]> {
  const results: CellResult[] = [];
  for (const cell of plan.cells) {
    const lines = await logOf(runOf(cell)).lines();
    const validation = await readValidation(cell);
    const judgement = await readJudgement(cell, plan);
    const status = await statusOf(cell, plan);
    const failure = status === 'failed' ? await readFailure(cell) : undefined;
    const last = lines.at(-1);
    const chosen =
      judgement === undefined ? undefined : validation?.snapshots.find((s) => s.iteration === judgement.iteration);
    const seconds =
      judgement === undefined ? null : trainingSeconds(lines, cell.recipe) + (await evaluationSeconds(cell, plan));
    const summary: CellSummary = {
      name: cell.name,
      arm: cell.arm,
      seed: cell.seed,
      key: cell.key,
      status,
      error: failure?.message ?? null,
      iterations: cell.recipe.solver.iterations,
      chosen: judgement?.iteration ?? null,
      validation: chosen?.accuracy ?? null,
      accuracy: judgement?.accuracy ?? null,
      auc: judgement?.auc ?? null,
      eer: judgement?.eer ?? null,
      threshold: judgement?.threshold ?? null,
      loss: last?.loss ?? null,
      classification: last?.terms.classification ?? null,
      energy: last?.energy ?? null,
      minimumAngle: last?.minimumAngle ?? null,
      meanAngle: last?.meanAngle ?? null,
      seconds,
      folder: relative(folder, join(cell.folder)).replaceAll('\\', '/'),
      packageVersion: judgement?.packageVersion ?? null,
    };
    const warnings = (await damagedRecords(cell)).map((text) => `${cell.name}: ${text}`);
    results.push({ cell, summary, lines, validation, judgement, warnings });
  }
  return results;
}

/** Works out the tables and the answers. */
export function summariseStudy(plan: StudyPlan, results: readonly CellResult[]): StudySummary {
  const { definition, data, arms, questions } = plan;
  const judged = (arm: string): Map<number, Judgement> =>
    new Map(
      results.flatMap(({ cell, judgement }) =>
        cell.arm === arm && judgement !== undefined ? [[cell.seed, judgement] as const] : [],
      ),
    );
  return {
    name: definition.name,
    description: definition.description,
    packageVersion,
    data: {
      images: data.training.images,
      identities: data.training.identities,
      heldOut: data.training.heldOut,
      validation: data.validation.map(({ name }) => name),
      test: data.test.name,
    },
    bootstrap: defaultBootstrap,
    cells: results.map(({ summary }) => summary),
    arms: arms.map(({ name, seeds }) => {
      const found = judged(name);
      const done = seeds.filter((seed) => found.has(seed));
      const accuracies = done.map((seed) => found.get(seed)!.accuracy);
      const spread =
        accuracies.length === 0 ? { mean: null, standardDeviation: null, best: null } : spreadOf(accuracies);
      return { name, seeds: done, accuracies, ...spread, wanted: seeds };
    }),
    questions: questions.map(({ ask, against, arms: others }) => {
      const control = judged(against);
      const identical = others.filter((arm) => sameRuns(plan, arm, against));
      const different = others.filter((arm) => !identical.includes(arm));
      const compared = different.flatMap((arm) => compare({ arm, against }, judged(arm), control) ?? []);
      const adjusted = holm(compared.map(({ probability }) => probability));
      const comparisons = compared.map((comparison, i) => ({ ...comparison, adjusted: adjusted[i] }));
      return { ask, against, arms: others, comparisons, identical };
    }),
    warnings: results.flatMap(({ warnings }) => warnings),
    definition,
  };
}

/** Whether two arms have the same cell for every seed that both have. */
function sameRuns({ cells }: StudyPlan, arm: string, against: string): boolean {
  const control = new Map(cells.filter((cell) => cell.arm === against).map(({ seed, key }) => [seed, key]));
  const common = cells.filter((cell) => cell.arm === arm && control.has(cell.seed));
  return common.length > 0 && common.every(({ seed, key }) => control.get(seed) === key);
}

function compare(
  names: { readonly arm: string; readonly against: string },
  treatment: ReadonlyMap<number, Judgement>,
  control: ReadonlyMap<number, Judgement>,
): Omit<ComparisonSummary, 'adjusted'> | undefined {
  const seeds = [...control.keys()].filter((seed) => treatment.has(seed)).sort((a, b) => a - b);
  if (seeds.length === 0) return undefined;
  const decisions = (side: ReadonlyMap<number, Judgement>): Uint8Array[] =>
    seeds.map((seed) => Uint8Array.from(side.get(seed)!.correct, Number));
  const differences = seeds.map((seed) => treatment.get(seed)!.accuracy - control.get(seed)!.accuracy);
  return {
    ...names,
    seeds,
    pairs: control.get(seeds[0])!.correct.length,
    difference: differences.reduce((sum, value) => sum + value, 0) / seeds.length,
    interval: bootstrapDifference(decisions(control), decisions(treatment)),
    probability: signFlipTest(differences),
  };
}
