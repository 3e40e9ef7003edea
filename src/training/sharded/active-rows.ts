// The rows of a shard that take part in a pass, laid end to end: all of them as they lie, or a sample that is copied together.
import type { Draw, RowSampler } from './row-sampler.js';
import { squaredNorm } from './vectors.js';

/** Rows of a pass. */
export class ActiveRows {
  private constructor(
    /** Rows in all. */
    readonly count: number,
    /** `[count, size]`. */
    readonly values: Float32Array,
    /** The place in the shard of each, ascending; absent where all take part. */
    private readonly chosen: Int32Array | undefined,
  ) {}

  /** @param labels places in the shard of the batch's rows, −1 for those held elsewhere. @param buffer takes a sample. */
  static of(
    shard: Float32Array,
    size: number,
    labels: readonly number[],
    sampler: RowSampler,
    draw: Draw,
    buffer: Float32Array,
  ): ActiveRows {
    if (sampler.takesAll) return new ActiveRows(sampler.count, shard, undefined);
    const chosen = sampler.draw(
      labels.filter((row) => row >= 0),
      draw,
    );
    chosen.forEach((row, place) => buffer.set(shard.subarray(row * size, (row + 1) * size), place * size));
    return new ActiveRows(chosen.length, buffer, chosen);
  }

  /** The place in the shard of an active row. */
  rowAt(place: number): number {
    return this.chosen === undefined ? place : this.chosen[place];
  }

  /** The place among the active rows of a row that takes part; −1 stays −1. */
  placeOf(row: number): number {
    if (this.chosen === undefined || row < 0) return row;
    let [low, high] = [0, this.chosen.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.chosen[middle] < row) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The gradient of those rows of a shard that take part in a step, and of none besides. */
export class RowGradient {
  private readonly data: Float32Array;
  /** The place in the shard of each row of `data`. */
  private readonly rows: number[] = [];
  private readonly slots = new Map<number, number>();

  /** @param capacity rows that a step can have at most. @param sparse whether fewer rows than the shard has may take part. */
  constructor(
    private readonly size: number,
    capacity: number,
    private readonly sparse: boolean,
  ) {
    this.data = new Float32Array(capacity * size);
  }

  clear(): void {
    this.data.fill(0);
    this.rows.length = 0;
    this.slots.clear();
  }

  /** Adds factor · gradient of the active rows from `start` on. */
  add(active: ActiveRows, start: number, gradient: Float32Array, factor: number): void {
    const { size, data } = this;
    for (let i = 0; i * size < gradient.length; i++) {
      const target = this.slotOf(active.rowAt(start + i)) * size;
      for (let k = 0; k < size; k++) data[target + k] += factor * gradient[i * size + k];
    }
  }

  /** Gives the gradients of consecutive rows, with the place in the shard of the first: all at once, or row by row where they are few. */
  forEach(visit: (row: number, gradient: Float32Array) => void): void {
    const { size, data } = this;
    if (!this.sparse) return visit(0, data);
    for (const [slot, row] of this.rows.entries()) visit(row, data.subarray(slot * size, (slot + 1) * size));
  }

  /** Σ of its squares. */
  get squaredNorm(): number {
    return squaredNorm(this.data);
  }

  private slotOf(row: number): number {
    if (!this.sparse) return row;
    let slot = this.slots.get(row);
    if (slot === undefined) {
      slot = this.rows.length;
      this.slots.set(row, slot);
      this.rows.push(row);
    }
    return slot;
  }
}
