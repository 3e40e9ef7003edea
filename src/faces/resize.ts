// Resamples pictures for the detector: box average when shrinking, bilinear when enlarging, axis by axis.
import type { Picture } from '../data/source.js';

/** A part of a picture in whole pixels; it may reach outside, where the picture is 0. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Rows `from` (inclusive) to `to` (exclusive) of the result. */
export interface Rows {
  readonly from: number;
  readonly to: number;
}

/**
 * Weights along one axis, as Dollár's toolbox computes them for the published detector (`imResample`, 'bilinear'): output i
 * reads the source at `start[i]` … `start[i + 1] - 1` of `index` with `weight`.
 */
interface AxisWeights {
  readonly start: Int32Array;
  readonly index: Int32Array;
  readonly weight: Float32Array;
}

function axisWeights(from: number, to: number): AxisWeights {
  const start = new Int32Array(to + 1);
  const taps = from > to ? Math.ceil(from / to) + 1 : 2;
  const index = new Int32Array(to * taps);
  const weight = new Float32Array(to * taps);
  let count = 0;
  for (let i = 0; i < to; i++) {
    start[i] = count;
    if (from > to) {
      const low = (i * from) / to;
      const high = ((i + 1) * from) / to;
      for (let j = Math.floor(low); j < Math.min(Math.ceil(high), from); j++) {
        const overlap = Math.min(j + 1, high) - Math.max(j, low);
        if (overlap < 1e-6) continue;
        index[count] = j;
        weight[count++] = overlap * (to / from);
      }
    } else {
      const center = ((i + 0.5) * from) / to - 0.5;
      const left = Math.floor(center);
      index[count] = Math.max(left, 0);
      weight[count++] = 1 - (center - left);
      index[count] = Math.min(left + 1, from - 1);
      weight[count++] = center - left;
    }
  }
  start[to] = count;
  return { start, index, weight };
}

/** Weights repeat (crops of the same size, pyramids of equal photos), so the last ones used are kept. */
class WeightCache {
  private readonly known = new Map<number, AxisWeights>();

  get(from: number, to: number): AxisWeights {
    const key = from * 0x100000 + to;
    let weights = this.known.get(key);
    if (weights === undefined) {
      if (this.known.size >= 1024) this.known.clear();
      weights = axisWeights(from, to);
      this.known.set(key, weights);
    }
    return weights;
  }
}

/**
 * Resamples regions of pictures into network input: planar float32 `[3, rows, width]`, RGB, (x − 127.5) / 128. One instance
 * reuses its work space: keep it, and do not share it between threads.
 */
export class Resizer {
  private readonly cache = new WeightCache();
  private rowSums = new Float32Array(0);

  /**
   * Writes `region` of `picture`, resized to `width` × `height`, into `out` from `offset` on. With `rows`, only those rows of
   * the result are computed and written, densely: planes have `rows.to - rows.from` rows then.
   */
  resize(
    picture: Picture,
    region: Region,
    width: number,
    height: number,
    out: Float32Array,
    offset = 0,
    rows: Rows = { from: 0, to: height },
  ): void {
    const vertical = this.cache.get(region.height, height);
    const horizontal = this.cache.get(region.width, width);
    const plane = (rows.to - rows.from) * width;
    // The part of the region that lies in the picture, in the region's own columns.
    const firstColumn = Math.max(0, -region.x);
    const lastColumn = Math.min(region.width, picture.width - region.x);
    const inside = Math.max(0, lastColumn - firstColumn) * 3;
    if (this.rowSums.length < region.width * 3) this.rowSums = new Float32Array(region.width * 3);
    const sums = this.rowSums;
    sums.fill(0, 0, region.width * 3);
    for (let y = rows.from; y < rows.to; y++) {
      let empty = true;
      for (let tap = vertical.start[y]; tap < vertical.start[y + 1]; tap++) {
        const sourceY = region.y + vertical.index[tap];
        if (sourceY < 0 || sourceY >= picture.height || inside === 0) continue;
        const source = (sourceY * picture.width + region.x + firstColumn) * 3;
        if (empty) weighRow(sums, firstColumn * 3, picture.data, source, inside, vertical.weight[tap]);
        else addRow(sums, firstColumn * 3, picture.data, source, inside, vertical.weight[tap]);
        empty = false;
      }
      if (empty) sums.fill(0, 0, region.width * 3);
      writeRow(sums, horizontal, width, out, offset + (y - rows.from) * width, plane);
    }
  }
}

function weighRow(
  sums: Float32Array,
  at: number,
  data: Uint8Array,
  source: number,
  count: number,
  weight: number,
): void {
  for (let i = 0; i < count; i++) sums[at + i] = weight * data[source + i];
}

function addRow(sums: Float32Array, at: number, data: Uint8Array, source: number, count: number, weight: number): void {
  for (let i = 0; i < count; i++) sums[at + i] += weight * data[source + i];
}

/** The horizontal pass of one row, normalised for the networks. */
function writeRow(
  sums: Float32Array,
  { start, index, weight }: AxisWeights,
  width: number,
  out: Float32Array,
  at: number,
  plane: number,
): void {
  for (let x = 0; x < width; x++) {
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let tap = start[x]; tap < start[x + 1]; tap++) {
      const source = index[tap] * 3;
      red += weight[tap] * sums[source];
      green += weight[tap] * sums[source + 1];
      blue += weight[tap] * sums[source + 2];
    }
    out[at + x] = (red - 127.5) * 0.0078125;
    out[at + x + plane] = (green - 127.5) * 0.0078125;
    out[at + x + 2 * plane] = (blue - 127.5) * 0.0078125;
  }
}
