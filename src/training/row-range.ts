// Which rows of a classifier a process holds: all of them, or, where they are divided, consecutive ones, as equally many as can be.
import { SphereFaceError } from '../common/errors.js';
import { evenCounts } from '../distributed/transport.js';

export class RowRange {
  /** Rows that each process holds. */
  readonly counts: readonly number[];
  /** This process's rows: `count` of them from `first` on. */
  readonly first: number;
  readonly count: number;

  private constructor(
    /** Rows of the whole classifier. */
    readonly classes: number,
    /** Whether the rows are divided, be it into one part. */
    readonly divided: boolean,
    counts: readonly number[],
    rank: number,
  ) {
    this.counts = counts;
    this.first = counts.slice(0, rank).reduce((a, b) => a + b, 0);
    this.count = counts[rank];
  }

  /** Every row, in every process. */
  static whole(classes: number): RowRange {
    return new RowRange(classes, false, [classes], 0);
  }

  /**
   * The rows of one of `size` processes.
   * @throws SphereFaceError when a process would hold none.
   */
  static part(classes: number, { rank, size }: { readonly rank: number; readonly size: number }): RowRange {
    if (size > classes) {
      throw new SphereFaceError('There are more processes than identities to divide among them.', {
        got: `${size} processes, ${classes} identities`,
        next: 'use fewer processes, or solver.classifier: dense',
      });
    }
    return new RowRange(classes, true, evenCounts(classes, size), rank);
  }

  holds(row: number): boolean {
    return row >= this.first && row < this.first + this.count;
  }
}
