// The similarity of two embeddings.
import { SphereFaceError } from '../../common/errors.js';

/**
 * Cosine of the angle between two embeddings of one length, −1 to 1, in float64.
 * @throws SphereFaceError for embeddings of two lengths, and for one without a direction (all zeros, or not finite).
 */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) {
    throw new SphereFaceError('Embeddings of two lengths cannot be compared.', {
      got: `${a.length} and ${b.length} values`,
      expected: 'embeddings of one model, both with or both without the mirrored picture',
    });
  }
  let [dot, left, right] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    left += a[i]! * a[i]!;
    right += b[i]! * b[i]!;
  }
  const similarity = dot / Math.sqrt(left * right);
  if (Number.isFinite(similarity)) return Math.min(Math.max(similarity, -1), 1);
  throw new SphereFaceError('An embedding has no direction.', {
    got: `lengths ${Math.sqrt(left)} and ${Math.sqrt(right)}`,
    expected: 'finite embeddings that are not all zeros',
  });
}

/**
 * The direction of the mean of several embeddings of one face: each is scaled to length 1 first, so that all count alike; the result
 * has length 1. It stands for the photos it was made of, as templates do in the IJB protocols.
 * @param embeddings one or more of one length
 * @throws SphereFaceError when there is none, or when they cancel each other out.
 */
export function meanDirection(embeddings: readonly ArrayLike<number>[]): Float32Array {
  const mean = new Float64Array(embeddings[0]?.length ?? 0);
  for (const embedding of embeddings) {
    const length = lengthOf(embedding);
    for (let i = 0; i < mean.length; i++) mean[i]! += embedding[i]! / length;
  }
  const length = lengthOf(mean);
  if (length > 0 && Number.isFinite(length)) return Float32Array.from(mean, (value) => value / length);
  throw new SphereFaceError('These embeddings have no mean direction.', {
    got: `${embeddings.length} embeddings, the sum of their directions of length ${length}`,
    expected: 'one or more finite embeddings that are not all zeros',
  });
}

function lengthOf(embedding: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < embedding.length; i++) sum += embedding[i]! ** 2;
  return Math.sqrt(sum);
}
