// Sums over long arrays of float32, added up in float64.

/** target += factor · source. */
export function addScaled(target: Float32Array | Float64Array, source: Float32Array, factor = 1): void {
  const { length } = source;
  for (let i = 0; i < length; i++) target[i] += factor * source[i];
}

/** Σ x². */
export function squaredNorm(data: Float32Array): number {
  let total = 0;
  const { length } = data;
  for (let i = 0; i < length; i++) total += data[i] * data[i];
  return total;
}
