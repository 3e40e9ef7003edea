// The answers of a study in plain sentences, with what they rest on, and no more than the numbers carry.
import type { ComparisonSummary, QuestionSummary, StudySummary } from './summary.js';

/** Probability below which a difference is called one. */
const significant = 0.05;

/** What a comparison shows. */
export type Verdict = 'no effect shown' | 'higher' | 'lower' | 'perhaps higher' | 'perhaps lower';

/**
 * An effect is shown where the interval does not hold zero and the corrected sign-flip probability is below 5 %. Where the interval alone says
 * so it may be one: few seeds cannot bring the probability down.
 */
export function verdictOf({ difference, interval, adjusted }: ComparisonSummary): Verdict {
  if (interval.low <= 0 && interval.high >= 0) return 'no effect shown';
  const direction = difference > 0 ? 'higher' : 'lower';
  return adjusted < significant ? direction : `perhaps ${direction}`;
}

/** How many comparisons a question makes: those whose probabilities are corrected, and those that it will be. */
export interface Family {
  readonly compared: number;
  readonly asked: number;
}

function familyOf({ comparisons, arms, identical }: QuestionSummary): Family {
  return { compared: comparisons.length, asked: arms.length - identical.length };
}

/** The answers of a question, a sentence each. */
export function answersTo(question: QuestionSummary, level: number): string[] {
  const { comparisons, identical, against } = question;
  return [
    ...comparisons.map((comparison) => sentenceOf(comparison, familyOf(question), level)),
    ...identical.map((arm) => `${arm} against ${against}: the same runs under two names; there is nothing to compare.`),
  ];
}

/** A comparison as a sentence. */
export function sentenceOf(comparison: ComparisonSummary, family: Family, level: number): string {
  const { arm, against, seeds, pairs, difference, interval, probability, adjusted } = comparison;
  const { compared, asked } = family;
  const all =
    compared === asked ? `${asked} comparisons` : `the ${compared} of ${asked} comparisons that can be made yet`;
  const correction = asked > 1 ? `, ${probabilityText(adjusted)} corrected for ${all}` : '';
  const basis =
    seeds.length === 1
      ? `one seed, ${pairs} pairs: the interval is over pairs alone and says nothing of other seeds`
      : `${seeds.length} seeds, ${pairs} pairs, sign-flip p ${probabilityText(probability)}${correction}`;
  return (
    `${arm} against ${against}: accuracy ${points(difference)} points, ${100 * level} % interval ` +
    `${points(interval.low)} to ${points(interval.high)} (${basis}): ${conclusion(comparison)}.`
  );
}

function conclusion(comparison: ComparisonSummary): string {
  const verdict = verdictOf(comparison);
  switch (verdict) {
    case 'no effect shown':
      return verdict;
    case 'higher':
    case 'lower':
      return `${verdict}`;
    case 'perhaps higher':
    case 'perhaps lower': {
      const least = 2 / 2 ** comparison.seeds.length;
      return least >= significant
        ? `${verdict}; so few seeds cannot decide it (no p below ${probabilityText(least)})`
        : `${verdict}; the sign-flip test does not confirm it`;
    }
    default:
      return verdict satisfies never;
  }
}

/** All answers of a study, a sentence each. */
export function answersOf({ questions, bootstrap }: StudySummary): string[] {
  return questions.flatMap((question) => answersTo(question, bootstrap.level));
}

/** A difference of shares in points with its sign: `+0.12`, `−0.10`. */
export function points(share: number): string {
  const text = Math.abs(100 * share).toFixed(2);
  return Number(text) === 0 ? '0.00' : `${share > 0 ? '+' : '−'}${text}`;
}

function probabilityText(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(p < 0.1 ? 3 : 2);
}

/** How the snapshots were chosen and judged, in words. */
export function methodOf({ data, definition }: StudySummary): string {
  const { protocol } = definition.test;
  const how = {
    'validation-threshold': 'at the threshold that is best on the first validation pairs',
    '10-fold': 'by the ten folds of LFW view 2, as published',
    'k-fold': 'by folds, on plain cosine',
  }[protocol];
  return (
    `Of every run the snapshot with the best accuracy on the validation pairs (${data.validation.map(fileName).join('; ')}) was chosen. ` +
    `The test pairs (${fileName(data.test)}) were looked at once for each cell, with the chosen snapshot alone, ${how}.`
  );
}

/** A path as its file's name; words stay as they are. */
function fileName(path: string): string {
  return /^(\/|[A-Za-z]:\\)/.test(path) ? path.replace(/^.*[\\/]/, '') : path;
}
