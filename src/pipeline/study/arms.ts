// The arms of a study: each combination of the levels of its factors, and the questions as they are asked of them.
import { UsageError } from '../../common/errors.js';
import type { StudyDefinition } from './schema.js';

/** One way of training. */
export interface Arm {
  readonly name: string;
  /** Level by factor. */
  readonly levels: Readonly<Record<string, string>>;
  /** A built-in name or an absolute path. */
  readonly recipe: string;
  readonly settings: readonly string[];
  readonly from: { readonly arm: string; readonly seed: number | undefined } | undefined;
  readonly init: string | undefined;
  readonly seeds: readonly number[];
  readonly snapshots: number;
}

/** A question about arms that there are. */
export interface Question {
  readonly ask: string;
  readonly against: string;
  readonly arms: readonly string[];
}

/** All arms, in the order of the study. @throws UsageError for a start or a name that does not make sense. */
export function armsOf(study: StudyDefinition): Arm[] {
  const arms = Object.entries(study.arms).flatMap(([name, arm]) =>
    combinations(Object.entries(arm.vary).map(([factor, levels]) => [factor, Object.keys(levels)])).map((levels) => {
      const fill = (text: string): string => filled(text, levels);
      return {
        name: [name, ...Object.values(levels)].join('-'),
        levels,
        recipe: fill(arm.recipe),
        settings: [
          ...study.set,
          ...arm.set,
          ...Object.entries(levels).flatMap(([factor, level]) => arm.vary[factor][level]),
        ].map(fill),
        from: arm.from === undefined ? undefined : { arm: fill(arm.from), seed: arm.fromSeed },
        init: arm.init === undefined ? undefined : fill(arm.init),
        seeds: seedList(arm.seeds ?? study.seeds),
        snapshots: arm.snapshots ?? study.snapshots,
      };
    }),
  );
  checkArms(arms);
  return arms;
}

/** All questions, their factors filled in. @throws UsageError for an arm that there is not. */
export function questionsOf(study: StudyDefinition, arms: readonly Arm[]): Question[] {
  const names = new Set(arms.map(({ name }) => name));
  const levelsOf = (factor: string): string[] => [
    ...new Set(arms.flatMap(({ levels }) => (factor in levels ? [levels[factor]] : []))),
  ];
  return study.questions.flatMap((question, i) => {
    const factors = new Set(
      [question.against, ...question.arms].flatMap((text) => [...text.matchAll(placeholder)].map(([, name]) => name)),
    );
    const asked = combinations([...factors].map((factor) => [factor, levelsOf(factor)])).map((levels) => {
      const fill = (text: string): string => filled(text, levels);
      return { ask: fill(question.ask), against: fill(question.against), arms: question.arms.map(fill) };
    });
    const unknown = asked.flatMap(({ against, arms: others }) => [against, ...others]).find((name) => !names.has(name));
    if (asked.length === 0 || unknown !== undefined) {
      throw new UsageError(`questions.${i} asks about an arm that there is not.`, {
        got: unknown ?? question.against,
        expected: `arms among ${[...names].join(', ')}`,
      });
    }
    for (const { against, arms: others } of asked) {
      const twice = [against, ...others].find((name, place, all) => all.indexOf(name) !== place);
      if (twice === undefined) continue;
      throw new UsageError(`questions.${i} names the arm ${twice} twice.`, {
        got: `against: ${against}, arms: ${others.join(', ')}`,
        expected: 'arms that are each compared with another one, once',
      });
    }
    return asked;
  });
}

const placeholder = /\{([\p{L}\p{N}][\p{L}\p{N}._=-]*)\}/gu;

/** The text with `{factor}` replaced; braces around anything else stay. */
function filled(text: string, levels: Readonly<Record<string, string>>): string {
  return text.replace(placeholder, (whole, factor: string) => levels[factor] ?? whole);
}

/** Every choice of a level for each factor; the last factor changes fastest. */
function combinations(factors: readonly (readonly [string, readonly string[]])[]): Record<string, string>[] {
  return factors.reduce<Record<string, string>[]>(
    (before, [factor, levels]) => before.flatMap((chosen) => levels.map((level) => ({ ...chosen, [factor]: level }))),
    [{}],
  );
}

function seedList(seeds: number | readonly number[]): readonly number[] {
  return typeof seeds === 'number' ? Array.from({ length: seeds }, (_, i) => i + 1) : [...new Set(seeds)];
}

function checkArms(arms: readonly Arm[]): void {
  const byName = new Map<string, Arm>();
  for (const arm of arms) {
    if (byName.has(arm.name)) {
      throw new UsageError(`Two arms are called ${arm.name}.`, { next: 'rename one of them, or a level' });
    }
    byName.set(arm.name, arm);
  }
  for (const { name, from, init, seeds } of arms) {
    if (from === undefined) continue;
    if (init !== undefined) {
      throw new UsageError(`The arm ${name} has two starts.`, { got: `from: ${from.arm} and init: ${init}` });
    }
    const start = byName.get(from.arm);
    if (start === undefined) {
      throw new UsageError(`The arm ${name} starts from an arm that there is not.`, {
        got: from.arm,
        expected: `one of ${[...byName.keys()].join(', ')}`,
      });
    }
    const lacking = (from.seed === undefined ? seeds : [from.seed]).filter((seed) => !start.seeds.includes(seed));
    if (lacking.length > 0) {
      throw new UsageError(`The arm ${name} starts from seeds that ${start.name} does not have.`, {
        got: lacking.join(', '),
        expected: `among ${start.seeds.join(', ')}`,
        next: 'give both the same seeds, or choose one with fromSeed',
      });
    }
    const seen = new Set([name]);
    for (let at: Arm | undefined = start; at !== undefined; at = at.from && byName.get(at.from.arm)) {
      if (seen.has(at.name)) throw new UsageError(`The arm ${name} starts from itself, by way of ${start.name}.`);
      seen.add(at.name);
    }
  }
}
