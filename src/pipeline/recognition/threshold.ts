// From a similarity to a decision: a threshold that the caller gives, or one that the model was calibrated with.
import { SphereFaceError, UsageError } from '../../common/errors.js';
import { type CalibratedThreshold, thresholdAt } from '../../evaluation/index.js';
import type { Calibration } from '../../models/metadata.js';

/** What to decide by; at most one of the two. */
export interface ThresholdOptions {
  /** Similarities above it are one person: −1 to 1. */
  readonly threshold?: number;
  /** Decide at this false-accept rate of the model's calibration; by default at the strictest that is stored. */
  readonly falseAcceptRate?: number;
}

/** A threshold and what is known of it. */
export interface Threshold {
  readonly threshold: number;
  /** Of single comparisons, on the pairs of the calibration; of a given threshold the calibrated rate that it stays below. */
  readonly falseAcceptRate: number | undefined;
  /** The share of one person's pairs above it, where it is a calibrated one. */
  readonly trueAcceptRate: number | undefined;
}

/** What is compared: embeddings of a model, with or without the mirrored pictures'. */
export interface Compared {
  readonly calibration: Calibration | undefined;
  readonly flip: boolean;
  /** Names the model in errors. */
  readonly modelName: string;
}

/**
 * The threshold to decide by; `undefined` when none is given and the model has none.
 * @throws UsageError for both options at once, values out of range, and a rate that the model is not calibrated for
 * @throws SphereFaceError where the calibration is of other embeddings than are compared.
 */
export function chooseThreshold(
  { threshold, falseAcceptRate }: ThresholdOptions,
  { calibration, flip, modelName: model }: Compared,
): Threshold | undefined {
  if (threshold !== undefined) {
    if (falseAcceptRate !== undefined) {
      throw new UsageError('A threshold and a false-accept rate cannot both be given.', {
        next: 'leave `threshold` or `falseAcceptRate` out',
      });
    }
    if (!(threshold >= -1 && threshold <= 1)) {
      throw new UsageError('The `threshold` is not a similarity.', { got: String(threshold), expected: '-1 to 1' });
    }
    const stored = calibration?.flip === flip ? calibration.thresholds : [];
    return { threshold, falseAcceptRate: boundOn(threshold, stored), trueAcceptRate: undefined };
  }
  if (calibration === undefined || calibration.thresholds.length === 0) {
    if (falseAcceptRate === undefined) return undefined;
    throw new UsageError(`${model} is not calibrated, so \`falseAcceptRate\` means nothing to it`, {
      next: 'calibrate it: sphereface evaluate MODEL --pairs FILE --images DATA -o REPORT --calibrate 1e-2,1e-3',
    });
  }
  if (calibration.flip !== flip) {
    throw new SphereFaceError(`The thresholds of ${model} do not fit these embeddings.`, {
      got: `embeddings ${flip ? 'with' : 'without'} the mirrored picture's`,
      expected: `${calibration.flip ? 'with' : 'without'} it, as the model was calibrated`,
      next: 'leave `flip` out, or give a `threshold`',
    });
  }
  return thresholdAt(calibration.thresholds, falseAcceptRate ?? strictestRate(calibration));
}

/** The lowest false-accept rate that a model has a threshold for. */
function strictestRate({ thresholds }: Calibration): number {
  return Math.min(...thresholds.map((stored) => stored.falseAcceptRate));
}

/** The lowest calibrated rate whose threshold is not above `threshold`. */
function boundOn(threshold: number, stored: readonly CalibratedThreshold[]): number | undefined {
  const rates = stored.filter((other) => other.threshold <= threshold).map((other) => other.falseAcceptRate);
  return rates.length === 0 ? undefined : Math.min(...rates);
}
