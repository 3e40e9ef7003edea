// Identification as numbers for a report: rank rates and TPIR at FPIR of a probe list against a gallery list.
import { SphereFaceError } from '../common/errors.js';
import { reportedRates } from './evaluate.js';
import {
  identificationCurve,
  identificationRateAt,
  identify,
  type LabelledEmbeddings,
  rankRate,
} from './metrics/index.js';

/** The identification part of `result.json`. */
export interface IdentificationNumbers {
  readonly galleryImages: number;
  readonly galleryIdentities: number;
  /** Probes whose identity is in the gallery, and probes whose identity is not. */
  readonly probesWithMate: number;
  readonly strangers: number;
  /** Closed set: share of the probes with a mate whose identity is among the first k. */
  readonly rankRates: Readonly<Record<string, number>>;
  /** Open set: share of the probes with a mate that are first and above the threshold at that rate of strangers. */
  readonly tpirAtFpir: Readonly<Record<string, number>>;
  /** The rates the strangers are too few for, and why. */
  readonly tpirAtFpirUnsupported: Readonly<Record<string, string>>;
}

/** The ranks that are reported. */
export const reportedRanks = [1, 5, 10, 20] as const;

/** Compares all probes with the gallery. Without strangers there is no open-set part. */
export function evaluateIdentification(gallery: LabelledEmbeddings, probes: LabelledEmbeddings): IdentificationNumbers {
  const outcomes = identify(gallery, probes);
  const probesWithMate = outcomes.ranks.length;
  const strangers = outcomes.strangerScores.length;
  if (probesWithMate === 0) {
    throw new SphereFaceError('No probe has its identity in the gallery', {
      got: `${probes.count} probes, ${outcomes.galleryIdentities} gallery identities`,
      expected: 'the same identity names in both lists',
      next: 'check the second column, or the first folder, of both lists',
    });
  }
  const curve = strangers === 0 ? undefined : identificationCurve(outcomes);
  const tpirAtFpir: Record<string, number> = {};
  const tpirAtFpirUnsupported: Record<string, string> = {};
  for (const rate of reportedRates) {
    const tpir = curve === undefined ? null : identificationRateAt(curve, Number(rate));
    if (tpir !== null) tpirAtFpir[rate] = tpir;
    else tpirAtFpirUnsupported[rate] = `needs ${Math.round(1 / Number(rate))} probes without a mate, got ${strangers}`;
  }
  return {
    galleryImages: gallery.count,
    galleryIdentities: outcomes.galleryIdentities,
    probesWithMate,
    strangers,
    rankRates: Object.fromEntries(reportedRanks.map((k) => [String(k), rankRate(outcomes, k)])),
    tpirAtFpir,
    tpirAtFpirUnsupported,
  };
}
