// Identification of probes against a gallery: closed-set rank-k and open-set TPIR at FPIR (ISO/IEC 19795-1).
import { SphereFaceError } from '../../common/errors.js';
import { pointAtFar, type RocCurve, rocCurve, supportsFar } from './roc.js';
import type { Embeddings } from './scores.js';

/** Embeddings with the identity of each row. */
export interface LabelledEmbeddings extends Embeddings {
  readonly identities: readonly string[];
}

/** What each probe met in the gallery. */
export interface ProbeOutcomes {
  /** Number of gallery identities. */
  readonly galleryIdentities: number;
  /**
   * Rank of the right identity (1 is best) of each probe whose identity is in the gallery. Identities are ranked by
   * their best gallery picture; ties count against the right one, so that a constant embedding cannot look good.
   */
  readonly ranks: Uint32Array;
  /** The right identity's score, of the same probes. */
  readonly mateScores: Float64Array;
  /** The highest score of each probe whose identity is not in the gallery. */
  readonly strangerScores: Float64Array;
}

/** Compares all probes with the whole gallery by cosine. */
export function identify(gallery: LabelledEmbeddings, probes: LabelledEmbeddings): ProbeOutcomes {
  if (gallery.size !== probes.size || gallery.count === 0 || probes.count === 0) {
    throw new SphereFaceError('Gallery and probes cannot be compared', {
      got: `${gallery.count} x ${gallery.size} and ${probes.count} x ${probes.size}`,
      expected: 'at least one embedding on either side, of the same size',
    });
  }
  const numbers = new Map<string, number>();
  const identityOf = Int32Array.from(gallery.identities, (identity) => {
    if (!numbers.has(identity)) numbers.set(identity, numbers.size);
    return numbers.get(identity)!;
  });
  const rows = unitRows(gallery);
  const unitProbes = unitRows(probes);
  const best = new Float64Array(numbers.size);
  const ranks: number[] = [];
  const mateScores: number[] = [];
  const strangerScores: number[] = [];
  for (let probe = 0; probe < probes.count; probe++) {
    best.fill(-Infinity);
    for (let row = 0; row < gallery.count; row++) {
      const score = dot(unitProbes, probe * probes.size, rows, row * gallery.size, gallery.size);
      if (score > best[identityOf[row]]) best[identityOf[row]] = score;
    }
    const mate = numbers.get(probes.identities[probe]);
    if (mate === undefined) {
      strangerScores.push(best.reduce((a, b) => Math.max(a, b)));
    } else {
      ranks.push(best.reduce((rank, score) => rank + Number(score >= best[mate]), 0));
      mateScores.push(best[mate]);
    }
  }
  return {
    galleryIdentities: numbers.size,
    ranks: Uint32Array.from(ranks),
    mateScores: Float64Array.from(mateScores),
    strangerScores: Float64Array.from(strangerScores),
  };
}

/** Share of the probes with a mate whose right identity is among the first `k`; NaN without such probes. */
export function rankRate(outcomes: ProbeOutcomes, k: number): number {
  return outcomes.ranks.reduce((hits, rank) => hits + Number(rank <= k), 0) / outcomes.ranks.length;
}

/**
 * True-positive identification rate against false-positive identification rate, as a curve whose "matched" are the
 * probes with a mate and whose "mismatched" are the strangers. A probe with a mate counts only if the mate is first.
 */
export function identificationCurve(outcomes: ProbeOutcomes): RocCurve {
  const mates = outcomes.mateScores.map((score, i) => (outcomes.ranks[i] === 1 ? score : -Infinity));
  const scores = new Float64Array(mates.length + outcomes.strangerScores.length);
  scores.set(mates);
  scores.set(outcomes.strangerScores, mates.length);
  const same = new Uint8Array(scores.length).fill(1, 0, mates.length);
  return rocCurve(scores, same);
}

/** TPIR at the highest threshold that keeps FPIR at or below `fpir`; null where the strangers are too few to tell. */
export function identificationRateAt(curve: RocCurve, fpir: number): number | null {
  if (!supportsFar(curve, fpir)) return null;
  const point = pointAtFar(curve, fpir);
  if (point < 0) return 0;
  // Probes whose mate is not first sit at −Infinity: they are never identified, not even by the last point.
  const last = curve.thresholds[point] === -Infinity ? point - 1 : point;
  return last < 0 ? 0 : curve.trueAccepts[last] / curve.matched;
}

function unitRows(embeddings: Embeddings): Float64Array {
  const { data, count, size } = embeddings;
  const rows = new Float64Array(count * size);
  for (let row = 0; row < count; row++) {
    const start = row * size;
    const norm = Math.sqrt(dot(data, start, data, start, size));
    if (!(norm > 0 && Number.isFinite(norm))) {
      throw new SphereFaceError(`Embedding ${row} has no direction`, { got: `length ${norm}` });
    }
    for (let i = start; i < start + size; i++) rows[i] = data[i] / norm;
  }
  return rows;
}

function dot(a: Embeddings['data'], i: number, b: Embeddings['data'], j: number, size: number): number {
  let even = 0;
  let odd = 0;
  const paired = size - (size % 2);
  for (let k = 0; k < paired; k += 2) {
    even += a[i + k] * b[j + k];
    odd += a[i + k + 1] * b[j + k + 1];
  }
  return paired < size ? even + odd + a[i + paired] * b[j + paired] : even + odd;
}
