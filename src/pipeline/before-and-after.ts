// What a fine-tune made of a model: both evaluated on the same pairs, side by side, as a page and as numbers.
import { basename } from 'node:path';
import { bootstrapDifference, defaultBootstrap, type EvaluationNumbers, type Interval } from '../evaluation/index.js';
import type { ComparedModel } from '../evaluation/report/before-and-after.js';
import { packageVersion } from '../common/version.js';

/** One side of a comparison. */
interface Side {
  readonly summary: { readonly name: string; readonly report: string };
  readonly numbers: EvaluationNumbers;
  readonly correct: readonly number[];
}

/** What a fine-tune changed on people not trained on. */
export interface FineTuneSummary {
  /** The page. */
  readonly report: string;
  /** Accuracy after minus accuracy before, on the same pairs, and the interval that another draw of pairs would leave it in. */
  readonly difference: { readonly mean: number; readonly interval: Interval };
}

/**
 * Writes `index.html` and `result.json` into a folder that holds the reports of the models.
 * @param sides the model as it came first, the fine-tuned one last
 */
export async function compare(
  folder: string,
  { init, tuned }: { readonly init: string; readonly tuned: { readonly name: string } },
  sides: readonly Side[],
): Promise<FineTuneSummary> {
  // Drawing is loaded here so that the other commands start without it.
  const [{ renderBeforeAndAfter }, { writeReport }] = await Promise.all([
    import('../evaluation/report/before-and-after.js'),
    import('../evaluation/report/files.js'),
  ]);
  const [before, after] = [sides[0], sides[sides.length - 1]];
  const decisions = ({ correct }: Side) => [Uint8Array.from(correct)];
  const difference = {
    mean: after.numbers.accuracy.mean - before.numbers.accuracy.mean,
    interval: bootstrapDifference(decisions(before), decisions(after)),
  };
  const models = sides.map(({ summary: { name }, numbers }): ComparedModel => ({
    title: titles[name] ?? name,
    numbers,
    link: `${name}/index.html`,
  }));
  const content = { model: basename(init), recipe: tuned.name, models, difference, level: defaultBootstrap.level };
  const record = {
    model: content.model,
    recipe: content.recipe,
    difference,
    models: Object.fromEntries(sides.map(({ summary, numbers }) => [summary.name, numbers])),
    packageVersion,
  };
  const { page } = await writeReport(folder, renderBeforeAndAfter({ ...content, packageVersion }), record);
  return { report: page, difference };
}

const titles: Readonly<Record<string, string>> = {
  before: 'before',
  'without-energy': 'after, without the energy',
  'fine-tuned': 'after',
};
