// Sums over long arrays of float32, added up in float64.

/** target += factor · source. */
export function addScaled(target: Float32Array | Float64Array, source: Float32Array, factor = 1): void {
  const { length } = source;
  for (let i = 0; i < length; i++) target[i] += factor * source[i];
}

/** Σ x², in four sums that do not wait for each other. */
export function squaredNorm(data: Float32Array): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const { length } = data;
  const even = length - (length % 4);
  for (let i = 0; i < even; i += 4) {
    a += data[i] * data[i];
    b += data[i + 1] * data[i + 1];
    c += data[i + 2] * data[i + 2];
    d += data[i + 3] * data[i + 3];
  }
  for (let i = even; i < length; i++) a += data[i] * data[i];
  return a + b + c + d;
}
