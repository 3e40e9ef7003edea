// The whole verification evaluation of embedded pairs: a protocol's accuracy, the ROC family, and their intervals.
import { UsageError } from '../common/errors.js';
import {
  areaUnderCurve,
  bootstrapAccuracy,
  bootstrapCurve,
  type BootstrapOptions,
  bestSingleThreshold,
  cosineScores,
  defaultBootstrap,
  type Embeddings,
  equalErrorRate,
  type FoldedPairs,
  foldsByPosition,
  type FoldOutcome,
  type Interval,
  type PairSet,
  plainFolds,
  type Protocol,
  protocolDescriptions,
  type ProtocolOutcome,
  publishedFolds,
  type RocCurve,
  rocCurve,
  summarise,
  supportsFar,
  trueAcceptRateAt,
  view1,
} from './metrics/index.js';

/** The false-accept rates that are reported where the mismatched pairs support them, as they are written everywhere. */
export const reportedRates = ['1e-1', '1e-2', '1e-3', '1e-4', '1e-5', '1e-6'] as const;

/** What to evaluate and how. */
export interface EvaluationInput {
  readonly protocol: Protocol;
  readonly embeddings: Embeddings;
  /** The pairs accuracy is counted on; `fold` and `folds` where the pair file states folds. */
  readonly pairs: PairSet & Partial<Pick<FoldedPairs, 'fold' | 'folds'>>;
  /** `view1` only: the pairs the threshold is chosen on. */
  readonly thresholdPairs?: PairSet;
  /** `k-fold` only: how many folds to cut; the file's own where absent, 10 where the file has none. */
  readonly folds?: number;
  readonly bootstrap?: BootstrapOptions;
}

/** The numbers of an evaluation; `result.json` holds them, with what the command line adds. */
export interface EvaluationNumbers {
  readonly protocol: Protocol;
  /** The protocol in a sentence. */
  readonly description: string;
  /** Where the folds came from. */
  readonly foldSource: 'pair file' | 'position in the pair file' | 'none';
  readonly folds: readonly FoldOutcome[];
  readonly accuracy: {
    readonly mean: number;
    readonly std: number | null;
    readonly standardError: number | null;
    readonly interval: Interval | null;
  };
  /** How many matched and mismatched pairs were counted. */
  readonly matched: number;
  readonly mismatched: number;
  readonly auc: number;
  readonly eer: number;
  /** True-accept rate by false-accept rate, on plain cosine: what `verify` compares. */
  readonly tarAtFar: Readonly<Record<string, number>>;
  /** The rates the mismatched pairs are too few for, and why. */
  readonly tarAtFarUnsupported: Readonly<Record<string, string>>;
  /** What each family of numbers was computed from. */
  readonly scores: { readonly accuracy: string; readonly roc: string };
  readonly bootstrap: (BootstrapOptions & { readonly intervals: Readonly<Record<string, Interval>> }) | null;
}

/** An evaluation's numbers and the arrays behind them, for plots. */
export interface Evaluation {
  readonly numbers: EvaluationNumbers;
  readonly outcome: ProtocolOutcome;
  /** ROC on plain cosine. */
  readonly curve: RocCurve;
  readonly same: Uint8Array;
}

/** Runs `input.protocol` and every metric. Throws on wrong pairs, never on bad accuracy. */
export function evaluatePairs(input: EvaluationInput): Evaluation {
  const { protocol, embeddings, pairs } = input;
  const bootstrap = input.bootstrap ?? defaultBootstrap;
  const [outcome, foldSource] = runProtocol(input);
  const curve = rocCurve(cosineScores(embeddings, pairs), pairs.same);
  const supported = reportedRates.filter((rate) => supportsFar(curve, Number(rate)));
  const metrics = {
    auc: areaUnderCurve,
    eer: equalErrorRate,
    ...Object.fromEntries(
      supported.map((rate) => [`tarAtFar ${rate}`, (c: RocCurve) => trueAcceptRateAt(c, Number(rate))]),
    ),
  };
  const resampled = bootstrap.replicates > 0;
  const numbers: EvaluationNumbers = {
    protocol,
    description: protocolDescriptions[protocol],
    foldSource,
    folds: outcome.folds,
    accuracy: {
      ...summarise(outcome.folds),
      interval: resampled ? bootstrapAccuracy(correctByFold(outcome), bootstrap) : null,
    },
    matched: curve.matched,
    mismatched: curve.mismatched,
    auc: areaUnderCurve(curve),
    eer: equalErrorRate(curve),
    tarAtFar: Object.fromEntries(supported.map((rate) => [rate, trueAcceptRateAt(curve, Number(rate))])),
    tarAtFarUnsupported: Object.fromEntries(
      reportedRates
        .filter((rate) => !supported.includes(rate))
        .map((rate) => [rate, `needs ${Math.round(1 / Number(rate))} mismatched pairs, got ${curve.mismatched}`]),
    ),
    scores: {
      accuracy: protocol === '10-fold' ? 'cosine about the mean of the other folds' : 'cosine',
      roc: 'cosine',
    },
    bootstrap: resampled ? { ...bootstrap, intervals: bootstrapCurve(curve, metrics, bootstrap) } : null,
  };
  return { numbers, outcome, curve, same: pairs.same };
}

function runProtocol(input: EvaluationInput): [ProtocolOutcome, EvaluationNumbers['foldSource']] {
  const { protocol, embeddings, pairs } = input;
  switch (protocol) {
    case '10-fold': {
      const [folded, source] = withFolds(input);
      if (folded.folds !== 10) {
        throw new UsageError('The 10-fold protocol needs ten folds', {
          got: `${folded.folds} folds in the pair file`,
          next: 'use --protocol k-fold',
        });
      }
      return [publishedFolds(embeddings, folded), source];
    }
    case 'k-fold': {
      const [folded, source] = withFolds(input, input.folds);
      return [plainFolds(embeddings, folded), source];
    }
    case 'view1':
      if (input.thresholdPairs === undefined) {
        throw new UsageError('View 1 chooses its threshold on other pairs', {
          next: 'give them with --threshold-pairs FILE',
        });
      }
      return [view1(embeddings, input.thresholdPairs, pairs), 'none'];
    case 'best-threshold':
      return [bestSingleThreshold(embeddings, pairs), 'none'];
  }
}

/** The pair file's folds, unless `folds` asks for another number of them; then folds by position. */
function withFolds({ pairs }: EvaluationInput, folds?: number): [FoldedPairs, EvaluationNumbers['foldSource']] {
  if (pairs.fold !== undefined && pairs.folds !== undefined && (folds === undefined || folds === pairs.folds)) {
    return [{ ...pairs, fold: pairs.fold, folds: pairs.folds }, 'pair file'];
  }
  const count = folds ?? 10;
  return [{ ...pairs, fold: foldsByPosition(pairs.same, count), folds: count }, 'position in the pair file'];
}

function correctByFold(outcome: ProtocolOutcome): Uint8Array[] {
  return outcome.folds.map((_, fold) => outcome.correct.filter((_, pair) => outcome.fold[pair] === fold));
}
