// Exact search: the cosines of some embeddings with all rows, block by block, summed up per identity.
import { cast, Graph, matmul, serialize } from '../../../graph/index.js';
import { float32, Session, Tensor } from '../../../runtime/index.js';
import { blockRows, type Rows, type RowType } from './rows.js';

/**
 * How the similarity to a person with several photos is made of the photos' cosines: the highest (as identification is evaluated, see
 * `evaluateIdentification`), or their mean.
 */
export const identityScores = ['best', 'mean'] as const;
export type IdentityScore = (typeof identityScores)[number];

/** Embeddings that are compared in one pass over the rows: the pass costs hardly more for them all than for one. */
export const probesAtOnce = 16;

/** Which identity each row belongs to. */
export interface RowIdentities {
  /** A number for every row, 0 … count − 1. */
  readonly of: Int32Array;
  readonly count: number;
}

/** Compares on the CPU: the rows lie in its memory. Made once, for rows of one width and type. */
export class Search implements AsyncDisposable {
  private constructor(private readonly session: Session) {}

  static async create(width: number, type: RowType): Promise<Search> {
    const graph = new Graph();
    const probes = graph.input('probes', 'float32', [1, width]);
    const rows = graph.input('rows', type, [1, width]);
    const model = serialize(graph, {
      outputs: { cosines: matmul(probes, cast(rows, 'float32'), { transposeB: true }) },
      dynamicAxes: { probes: { 0: 'probes' }, rows: { 0: 'rows' }, cosines: { 0: 'probes', 1: 'rows' } },
    });
    return new Search(await Session.create(model, { device: 'cpu' }));
  }

  /**
   * The scores of up to {@link probesAtOnce} unit embeddings with every identity: a Float32Array per probe.
   * @param skip leaves out a row for a probe: a photo that is compared with the gallery it is in
   */
  async scores(
    probes: Float32Array,
    rows: Rows,
    identities: RowIdentities,
    score: IdentityScore,
    skip: (probe: number, identity: number) => boolean = () => false,
  ): Promise<Float32Array[]> {
    const { width } = rows;
    const count = probes.length / width;
    const results = Array.from({ length: count }, () => new Float32Array(identities.count).fill(-Infinity));
    const cosines = new Float32Array(count * Math.min(blockRows, rows.count));
    for (const { start, rows: length, data } of rows.chunks()) {
      await this.session.run(
        { probes: float32(probes, [count, width]), rows: new Tensor(rows.type, data, [length, width]) },
        { cosines: float32(cosines.subarray(0, count * length), [count, length]) },
      );
      for (const [probe, result] of results.entries()) {
        this.collect(cosines.subarray(probe * length, (probe + 1) * length), start, identities, score, result);
      }
    }
    if (score === 'mean') {
      const photos = new Int32Array(identities.count);
      for (const identity of identities.of) photos[identity]!++;
      for (const result of results) for (let i = 0; i < result.length; i++) result[i]! /= photos[i]!;
    }
    for (const [probe, result] of results.entries()) {
      for (let i = 0; i < result.length; i++) {
        // Rounding makes cosines of 1.0000001.
        result[i] = skip(probe, i) ? -Infinity : Math.min(Math.max(result[i]!, -1), 1);
      }
    }
    return results;
  }

  dispose(): Promise<void> {
    return this.session.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private collect(
    cosines: Float32Array,
    start: number,
    { of }: RowIdentities,
    score: IdentityScore,
    result: Float32Array,
  ): void {
    for (let row = 0; row < cosines.length; row++) {
      const identity = of[start + row]!;
      const cosine = cosines[row]!;
      const held = result[identity]!;
      if (score === 'best') {
        if (cosine > held) result[identity] = cosine;
      } else {
        result[identity] = held === -Infinity ? cosine : held + cosine;
      }
    }
  }
}

/** The `top` highest scores, highest first; of equal ones the lower number first. */
export function highest(scores: Float32Array, top: number): { readonly index: number; readonly score: number }[] {
  const best: { index: number; score: number }[] = [];
  for (let index = 0; index < scores.length; index++) {
    const score = scores[index]!;
    if (score === -Infinity || (best.length === top && score <= best[top - 1]!.score)) continue;
    let at = best.length;
    while (at > 0 && best[at - 1]!.score < score) at--;
    best.splice(at, 0, { index, score });
    if (best.length > top) best.pop();
  }
  return best;
}
