// Unit embeddings in memory, in blocks: a million of 1,024 values do not fit one array, and growing one would need it twice.
import { SphereFaceError } from '../../../common/errors.js';
import { fromFloat16, toFloat16 } from '../../../common/float16.js';

/** How embeddings are kept, in memory and on disk. float16 takes half the room; cosines change by less than 1e-3. */
export const rowTypes = ['float32', 'float16'] as const;
export type RowType = (typeof rowTypes)[number];

/** Rows of a block: at 1,024 values 32 MiB of float32. */
export const blockRows = 8192;

/** Rows of `width` values of length 1, appended and taken out in order. */
export class Rows {
  private readonly blocks: (Float32Array | Uint16Array)[] = [];
  private used = 0;

  constructor(
    readonly width: number,
    readonly type: RowType,
  ) {}

  get count(): number {
    return this.used;
  }

  /** Bytes of a row. */
  get rowBytes(): number {
    return this.width * (this.type === 'float32' ? 4 : 2);
  }

  /** Adds an embedding, scaled to length 1. @throws SphereFaceError for one without a direction, or of another width. */
  append(embedding: Float32Array): void {
    let square = 0;
    for (const value of embedding) square += value * value;
    if (embedding.length !== this.width || !(square > 0) || !Number.isFinite(square)) {
      throw new SphereFaceError('This embedding cannot be kept.', {
        got: `${embedding.length} values of length ${Math.sqrt(square)}`,
        expected: `${this.width} finite values that are not all zeros`,
      });
    }
    const scale = 1 / Math.sqrt(square);
    const block = this.blockFor(this.used);
    const start = (this.used % blockRows) * this.width;
    const half = block instanceof Uint16Array;
    for (let i = 0; i < this.width; i++) {
      const value = embedding[i]! * scale;
      block[start + i] = half ? toFloat16(value) : value;
    }
    this.used++;
  }

  /** Takes out the rows for which `keep` is false; the others move up, in their order. */
  filter(keep: (row: number) => boolean): void {
    let to = 0;
    for (let row = 0; row < this.used; row++) {
      if (!keep(row)) continue;
      if (to !== row) this.stored(to).set(this.stored(row));
      to++;
    }
    this.used = to;
    this.blocks.length = Math.ceil(to / blockRows);
  }

  /** A row as float32. */
  row(row: number): Float32Array {
    const stored = this.stored(row);
    return stored instanceof Float32Array ? Float32Array.from(stored) : Float32Array.from(stored, fromFloat16);
  }

  /** The rows block by block, as they are kept: [rows, width]. */
  *chunks(): Generator<{ readonly start: number; readonly rows: number; readonly data: Float32Array | Uint16Array }> {
    for (const [index, block] of this.blocks.entries()) {
      const start = index * blockRows;
      const rows = Math.min(blockRows, this.used - start);
      yield { start, rows, data: block.subarray(0, rows * this.width) };
    }
  }

  /** Makes room for `rows` further rows, all of one block, to be filled by the caller with what was kept before. */
  extend(rows: number): Float32Array | Uint16Array {
    const start = this.used % blockRows;
    if (start + rows > blockRows) throw new RangeError(`${rows} rows after ${this.used} lie in two blocks`);
    const block = this.blockFor(this.used + rows - 1);
    this.used += rows;
    return block.subarray(start * this.width, (start + rows) * this.width);
  }

  private stored(row: number): Float32Array | Uint16Array {
    const start = (row % blockRows) * this.width;
    return this.blocks[Math.floor(row / blockRows)]!.subarray(start, start + this.width);
  }

  /** The block that holds `row`, which is the last one or the next. A first block is small, and grows. */
  private blockFor(row: number): Float32Array | Uint16Array {
    const index = Math.floor(row / blockRows);
    const held = this.blocks[index];
    const needed = (row % blockRows) + 1;
    const room = held === undefined ? 0 : held.length / this.width;
    if (held !== undefined && room >= needed) return held;
    const rows = index > 0 ? blockRows : Math.min(blockRows, Math.max(needed, 2 * room, 16));
    const Store = this.type === 'float32' ? Float32Array : Uint16Array;
    const block = new Store(rows * this.width);
    if (held !== undefined) block.set(held);
    this.blocks[index] = block;
    return block;
  }
}
