// Which pairs a protocol decided wrongly, the furthest beyond their threshold first.
import type { Evaluation } from './evaluate.js';

/** A wrongly decided pair. */
export interface Mistake {
  /** Index among the evaluated pairs. */
  readonly pair: number;
  readonly score: number;
  readonly threshold: number;
}

/** The worst `count` false accepts and false rejects. */
export function worstMistakes(
  { outcome, same }: Evaluation,
  count: number,
): { readonly falseAccepts: readonly Mistake[]; readonly falseRejects: readonly Mistake[] } {
  const mistakes: [Mistake[], Mistake[]] = [[], []];
  for (const [pair, right] of outcome.correct.entries()) {
    if (right === 1) continue;
    const { threshold } = outcome.folds[outcome.fold[pair]];
    mistakes[same[pair]].push({ pair, score: outcome.scores[pair], threshold });
  }
  const distance = ({ score, threshold }: Mistake): number => Math.abs(score - threshold);
  const [falseAccepts, falseRejects] = mistakes.map((list) =>
    list.sort((a, b) => distance(b) - distance(a)).slice(0, count),
  );
  return { falseAccepts, falseRejects };
}
