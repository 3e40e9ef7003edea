// Thresholds at given false-accept rates, as a model file stores them.
import { SphereFaceError, UsageError } from '../common/errors.js';
import { pointAtFar, type RocCurve, supportsFar, thresholdBelow } from './metrics/index.js';

/** A decision threshold on the cosine similarity and what it did on the pairs it was measured on. */
export interface CalibratedThreshold {
  /** The rate that was asked for. */
  readonly falseAcceptRate: number;
  /** Pairs with a similarity above it are taken for the same person. */
  readonly threshold: number;
  readonly trueAcceptRate: number;
}

/**
 * The lowest thresholds that keep the false-accept rate at or below each of `rates`, strictest last.
 * @throws SphereFaceError for a rate that one false accept would already exceed: it could not be told from zero.
 */
export function calibrate(curve: RocCurve, rates: readonly number[]): CalibratedThreshold[] {
  return [...new Set(rates)]
    .sort((a, b) => b - a)
    .map((rate) => {
      if (!(rate > 0 && rate < 1) || !supportsFar(curve, rate)) {
        throw new SphereFaceError(`These pairs cannot calibrate a false-accept rate of ${rate}`, {
          got: `${curve.mismatched} mismatched pairs`,
          expected: rate > 0 && rate < 1 ? `at least ${Math.ceil(1 / rate)}` : 'a rate between 0 and 1',
          next: 'ask for a higher rate, or calibrate on more mismatched pairs',
        });
      }
      const point = pointAtFar(curve, rate);
      return {
        falseAcceptRate: rate,
        threshold: Math.min(Math.max(thresholdBelow(curve, point), -1), 1),
        trueAcceptRate: point < 0 ? 0 : curve.trueAccepts[point] / curve.matched,
      };
    });
}

/** The threshold for `rate`. Which rates there are is the calibration's to say. @throws UsageError for another rate. */
export function thresholdAt(thresholds: readonly CalibratedThreshold[], rate: number): CalibratedThreshold {
  const found = thresholds.find((threshold) => threshold.falseAcceptRate === rate);
  if (found !== undefined) return found;
  throw new UsageError(`The model is not calibrated for a false-accept rate of ${rate}`, {
    got: String(rate),
    expected: thresholds.map((threshold) => threshold.falseAcceptRate).join(', ') || 'no rate: it has no thresholds',
    next: 'choose one of these, or calibrate the model again: sphereface evaluate MODEL --calibrate RATES',
  });
}
