// Known or unknown: the threshold of a gallery, and how often a stranger gets past it.
import { SphereFaceError, UsageError } from '../../../common/errors.js';
import type { Calibration } from '../../../models/index.js';
import { chooseThreshold, type Compared, type ThresholdOptions } from '../threshold.js';

/** What to tell known from unknown by; at most one of them. Default: the gallery's own calibration, then the model's strictest rate. */
export interface OpenSetOptions extends ThresholdOptions {
  /**
   * The share of strangers who may be taken for anyone in the gallery (FPIR, ISO/IEC 19795-1). The model's calibration is of single
   * comparisons; the stored threshold that is strict enough for this many of them is taken.
   */
  readonly falsePositiveIdentificationRate?: number;
}

/** A gallery's own calibration: its people as strangers to each other. */
export interface OwnCalibration {
  readonly threshold: number;
  readonly falsePositiveIdentificationRate: number;
  /** Photos that were compared with everybody else. */
  readonly probes: number;
}

/** What decides, and what is known of it. */
export interface OpenSetDecision {
  /** Identity scores above it are known; `undefined` where nothing gives one: then nobody is. */
  readonly threshold: number | undefined;
  /** Of a single comparison, where it comes from the model's calibration. */
  readonly falseAcceptRate: number | undefined;
  /**
   * The share of strangers taken for anyone in the gallery. Measured, or estimated as 1 − (1 − f)ⁿ for n comparisons at a false-accept
   * rate of f. The estimate takes comparisons for independent, which photos of one person are not: it is rather too high.
   */
  readonly falsePositiveIdentificationRate: number | undefined;
  /** Comparisons of one probe: the gallery's photos (`best`), or its people (`mean`). */
  readonly comparisons: number;
  readonly from: 'the caller' | "the gallery's own people" | "the model's calibration" | 'nothing';
}

/** The share of strangers who pass at least one of `comparisons`, each passed at the rate `falseAcceptRate`. */
export function identificationRate(falseAcceptRate: number, comparisons: number): number {
  return -Math.expm1(comparisons * Math.log1p(-falseAcceptRate));
}

/** The decision for a gallery. @throws UsageError for options that contradict each other or that nothing can serve. */
export function decideOpenSet(
  { falsePositiveIdentificationRate: wanted, ...options }: OpenSetOptions,
  gallery: Compared & { readonly comparisons: number; readonly own: OwnCalibration | undefined },
): OpenSetDecision {
  const { comparisons, own, calibration, modelName } = gallery;
  const given = options.threshold !== undefined || options.falseAcceptRate !== undefined;
  if (wanted !== undefined && given) {
    throw new UsageError('Only one thing can decide who is known.', {
      next: 'give one of `threshold`, `falseAcceptRate` and `falsePositiveIdentificationRate`',
    });
  }
  if (own !== undefined && !given && (wanted === undefined || wanted === own.falsePositiveIdentificationRate)) {
    const { threshold, falsePositiveIdentificationRate } = own;
    const from = "the gallery's own people";
    return { threshold, falseAcceptRate: undefined, falsePositiveIdentificationRate, comparisons, from };
  }
  const single =
    wanted === undefined ? options : { falseAcceptRate: rateFor(wanted, comparisons, calibration, modelName) };
  const chosen = chooseThreshold(single, gallery);
  const rate = chosen?.falseAcceptRate;
  return {
    threshold: chosen?.threshold,
    falseAcceptRate: rate,
    falsePositiveIdentificationRate: rate === undefined ? undefined : identificationRate(rate, comparisons),
    comparisons,
    from: options.threshold !== undefined ? 'the caller' : chosen === undefined ? 'nothing' : "the model's calibration",
  };
}

/** The highest calibrated false-accept rate that keeps `comparisons` of them at or below the wanted rate. */
function rateFor(wanted: number, comparisons: number, calibration: Calibration | undefined, model: string): number {
  if (!(wanted > 0 && wanted < 1)) {
    throw new UsageError('The `falsePositiveIdentificationRate` is no rate.', {
      got: String(wanted),
      expected: 'between 0 and 1',
    });
  }
  const rates = (calibration?.thresholds ?? []).map(({ falseAcceptRate }) => falseAcceptRate);
  const strict = rates.filter((rate) => identificationRate(rate, comparisons) <= wanted);
  if (strict.length > 0) return Math.max(...strict);
  const single = -Math.expm1(Math.log1p(-wanted) / comparisons);
  throw new UsageError(`${model} has no threshold strict enough for this gallery.`, {
    got: rates.length === 0 ? 'no calibration' : `false-accept rates ${rates.join(', ')}`,
    expected: `${single.toPrecision(2)} or less: ${comparisons} comparisons then let ${wanted} of the strangers pass`,
    next: 'calibrate the gallery on its own people (`calibrate`), calibrate the model at a lower rate, or give a `threshold`',
  });
}

/**
 * The lowest threshold that at most the share `rate` of the strangers' scores is above.
 * @throws SphereFaceError where one stranger would already be more than that.
 */
export function ownCalibration(strangers: Float64Array, rate: number): OwnCalibration {
  const allowed = Math.floor(rate * strangers.length);
  if (!(rate > 0 && rate < 1) || allowed < 1) {
    throw new SphereFaceError('This gallery cannot be calibrated at this rate.', {
      got: `${rate}, with ${strangers.length} photos of people who can be strangers to the others`,
      expected:
        rate > 0 && rate < 1
          ? `at least ${Math.ceil(1 / rate)} photos of two or more people`
          : 'a rate between 0 and 1',
      next: 'ask for a higher rate, or enroll more people',
    });
  }
  const sorted = Float64Array.from(strangers).sort();
  const threshold = sorted[sorted.length - 1 - allowed];
  return { threshold, falsePositiveIdentificationRate: rate, probes: strangers.length };
}
