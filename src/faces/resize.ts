// Resamples pictures for the detector: box average when shrinking, bilinear when enlarging (Dollár's imResample).
import type { Picture } from '../images/source.js';

/** A part of a picture in whole pixels; it may reach outside, where the picture is 0. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Rows or columns `from` (inclusive) to `to` (exclusive) of the result. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/**
 * Sums over rectangles of a picture (a summed-area table, Crow 1984): entry (x, y) is the sum of everything left of and above
 * it, three channels side by side. Between the entries it is linear in x and in y, exactly, as pixels are constant squares;
 * so the mean over any box, with fractions of pixels at its edges, takes sixteen reads whatever its size.
 */
class AreaTable {
  readonly columns: number;
  private readonly rows: number;
  private readonly sums: Uint32Array;

  /** Covers `width` × `height` pixels from (`left`, `top`) on, all inside the picture. */
  constructor(
    picture: Picture,
    readonly left: number,
    private readonly top: number,
    width: number,
    height: number,
  ) {
    this.columns = width + 1;
    this.rows = height + 1;
    const sums = new Uint32Array(this.columns * this.rows * 3);
    const stride = this.columns * 3;
    for (let y = 0; y < height; y++) {
      let source = ((top + y) * picture.width + left) * 3;
      let at = (y + 1) * stride + 3;
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let x = 0; x < width; x++, source += 3, at += 3) {
        red += picture.data[source];
        green += picture.data[source + 1];
        blue += picture.data[source + 2];
        sums[at] = sums[at - stride] + red;
        sums[at + 1] = sums[at - stride + 1] + green;
        sums[at + 2] = sums[at - stride + 2] + blue;
      }
    }
    this.sums = sums;
  }

  /** Writes the table's values along the horizontal line at height `y` of the picture, at the places `xs`, into `line`. */
  sample(y: number, xs: AxisPlaces, line: Float64Array): void {
    const { sums } = this;
    const stride = this.columns * 3;
    const height = Math.min(Math.max(y - this.top, 0), this.rows - 1);
    const row = Math.min(Math.floor(height), this.rows - 2);
    const below = height - row;
    const above = 1 - below;
    const base = row * stride;
    const { count, whole, fraction } = xs;
    for (let i = 0, to = 0; i < count; i++) {
      const right = fraction[i];
      const left = 1 - right;
      const a = above * left;
      const b = above * right;
      const c = below * left;
      const d = below * right;
      const at = base + whole[i] * 3;
      const next = at + stride;
      line[to++] = a * sums[at] + b * sums[at + 3] + c * sums[next] + d * sums[next + 3];
      line[to++] = a * sums[at + 1] + b * sums[at + 4] + c * sums[next + 1] + d * sums[next + 4];
      line[to++] = a * sums[at + 2] + b * sums[at + 5] + c * sums[next + 2] + d * sums[next + 5];
    }
  }
}

/** Places along x in a table: whole pixels, and the fraction beyond. */
interface AxisPlaces {
  count: number;
  readonly whole: Int32Array;
  readonly fraction: Float64Array;
}

/** An area table of this many pixels cannot overflow 32 bits, and takes 192 MiB. */
const defaultTablePixels = 2 ** 24;

/**
 * Resamples regions of pictures into network input: planar float32 `[3, rows, width]`, RGB, (x − 127.5) / 128. One instance
 * keeps work space, and the table of the last picture (so a picture's pixels must not change while it is in use): keep the
 * instance, and do not share it between threads.
 */
export class Resizer {
  private picture: Picture | undefined;
  private table: AreaTable | undefined;
  private places: AxisPlaces = { count: 0, whole: new Int32Array(0), fraction: new Float64Array(0) };
  private lines: [Float64Array, Float64Array] = [new Float64Array(0), new Float64Array(0)];

  /** @param maxTablePixels pictures with more pixels are worked on in parts, with equal results */
  constructor(private readonly maxTablePixels = defaultTablePixels) {}

  /**
   * Writes `region` of `picture`, resized to `width` × `height`, into `out` from `offset` on. With `rows`, only those rows of
   * the result are computed and written, densely: planes have `rows.to - rows.from` rows then. A region that is smaller than
   * the result in either direction is enlarged in both.
   */
  resize(
    picture: Picture,
    region: Region,
    width: number,
    height: number,
    out: Float32Array,
    offset = 0,
    rows: Range = { from: 0, to: height },
  ): void {
    const job = { picture, region, width, height, out, offset, rows };
    if (width > region.width || height > region.height) enlarge(job);
    else this.shrink(job, rows, { from: 0, to: width });
  }

  /** Every result pixel is the mean of its box of the region. */
  private shrink(job: Job, rows: Range, columns: Range): void {
    const { picture, region, width, height } = job;
    if (picture.width * picture.height <= this.maxTablePixels) {
      if (this.picture !== picture || this.table === undefined) {
        this.table = new AreaTable(picture, 0, 0, picture.width, picture.height);
        this.picture = picture;
      }
      this.average(job, this.table, rows, columns);
      return;
    }
    // A picture too large for one table has one for each part of the result, small enough.
    const left = Math.max(Math.floor(region.x + (columns.from * region.width) / width), 0);
    const right = Math.min(Math.ceil(region.x + (columns.to * region.width) / width), picture.width);
    const top = Math.max(Math.floor(region.y + (rows.from * region.height) / height), 0);
    const bottom = Math.min(Math.ceil(region.y + (rows.to * region.height) / height), picture.height);
    const single = rows.to - rows.from === 1 && columns.to - columns.from === 1;
    if ((right - left) * (bottom - top) <= this.maxTablePixels || single) {
      const inside = right > left && bottom > top;
      this.average(
        job,
        inside ? new AreaTable(picture, left, top, right - left, bottom - top) : undefined,
        rows,
        columns,
      );
    } else if (rows.to - rows.from > 1) {
      const middle = (rows.from + rows.to) >> 1;
      this.shrink(job, { from: rows.from, to: middle }, columns);
      this.shrink(job, { from: middle, to: rows.to }, columns);
    } else {
      const middle = (columns.from + columns.to) >> 1;
      this.shrink(job, rows, { from: columns.from, to: middle });
      this.shrink(job, rows, { from: middle, to: columns.to });
    }
  }

  /** Fills a part of the result from a table that covers it; `undefined`: it lies outside of the picture. */
  private average(
    { region, width, height, out, offset, rows: all }: Job,
    table: AreaTable | undefined,
    rows: Range,
    columns: Range,
  ): void {
    const top = (y: number) => region.y + (y * region.height) / height;
    const plane = (all.to - all.from) * width;
    const shift = normalised(0);
    const start = (y: number) => offset + (y - all.from) * width + columns.from;
    const count = columns.to - columns.from;
    if (table === undefined) {
      for (let y = rows.from; y < rows.to; y++) {
        for (let k = 0; k < 3; k++) out.fill(shift, start(y) + k * plane, start(y) + k * plane + count);
      }
      return;
    }
    const places = this.edges(table, region, width, columns);
    let [above, below] = this.lines;
    table.sample(top(rows.from), places, above);
    // From the sum over the box to its mean, and on to (mean − 127.5) / 128.
    const scale = ((width * height) / (region.width * region.height)) * 0.0078125;
    for (let y = rows.from; y < rows.to; y++) {
      table.sample(top(y + 1), places, below);
      for (let x = 0, from = 0, at = start(y); x < count; x++, from += 3, at++) {
        out[at] = (below[from + 3] - below[from] - above[from + 3] + above[from]) * scale + shift;
        out[at + plane] = (below[from + 4] - below[from + 1] - above[from + 4] + above[from + 1]) * scale + shift;
        out[at + 2 * plane] = (below[from + 5] - below[from + 2] - above[from + 5] + above[from + 2]) * scale + shift;
      }
      [above, below] = [below, above];
    }
  }

  /** The edges of the result's columns, in the table; outside of it they move to its border, where the sums stand still. */
  private edges(table: AreaTable, region: Region, width: number, columns: Range): AxisPlaces {
    const count = columns.to - columns.from + 1;
    if (this.places.whole.length < count) {
      this.places = { count: 0, whole: new Int32Array(count), fraction: new Float64Array(count) };
      this.lines = [new Float64Array(3 * count), new Float64Array(3 * count)];
    }
    const { places } = this;
    places.count = count;
    for (let i = 0; i < count; i++) {
      const x = region.x + ((columns.from + i) * region.width) / width - table.left;
      const place = Math.min(Math.max(x, 0), table.columns - 1);
      const whole = Math.min(Math.floor(place), table.columns - 2);
      places.whole[i] = whole;
      places.fraction[i] = place - whole;
    }
    return places;
  }
}

/** One call of `resize`. */
interface Job {
  readonly picture: Picture;
  readonly region: Region;
  readonly width: number;
  readonly height: number;
  readonly out: Float32Array;
  readonly offset: number;
  readonly rows: Range;
}

/** Every result pixel is interpolated between the four pixels around its place; the region's border is repeated. */
function enlarge({ picture, region, width, height, out, offset, rows }: Job): void {
  const plane = (rows.to - rows.from) * width;
  const clamp = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1);
  const pixel = (x: number, y: number, channel: number) => {
    const px = region.x + clamp(x, region.width);
    const py = region.y + clamp(y, region.height);
    const inside = px >= 0 && py >= 0 && px < picture.width && py < picture.height;
    return inside ? picture.data[(py * picture.width + px) * 3 + channel] : 0;
  };
  for (let y = rows.from, at = offset; y < rows.to; y++) {
    const v = ((y + 0.5) * region.height) / height - 0.5;
    const top = Math.floor(v);
    const below = v - top;
    for (let x = 0; x < width; x++, at++) {
      const u = ((x + 0.5) * region.width) / width - 0.5;
      const left = Math.floor(u);
      const right = u - left;
      for (let k = 0; k < 3; k++) {
        const upper = (1 - right) * pixel(left, top, k) + right * pixel(left + 1, top, k);
        const lower = (1 - right) * pixel(left, top + 1, k) + right * pixel(left + 1, top + 1, k);
        out[at + k * plane] = normalised((1 - below) * upper + below * lower);
      }
    }
  }
}

/** A pixel value as the networks take it. */
function normalised(value: number): number {
  return (value - 127.5) * 0.0078125;
}
