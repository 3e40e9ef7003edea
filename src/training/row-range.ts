// Which rows of a classifier a process holds: all of them, or, where they are divided, consecutive ones, as equally many as can be.
import { SphereFaceError } from '../common/errors.js';
import { evenCounts } from '../distributed/index.js';

export class RowRange {
  /** Rows that each process holds. */
  readonly counts: readonly number[];
  /** This process's rows: `count` of them from `first` on. */
  readonly first: number;
  readonly count: number;

  /**
   * @param classes rows of the whole classifier.
   * @throws SphereFaceError when a process would hold none.
   */
  constructor(
    readonly classes: number,
    { rank, size }: { readonly rank: number; readonly size: number },
  ) {
    if (size > classes) {
      throw new SphereFaceError('There are more processes than identities to divide among them.', {
        got: `${size} processes, ${classes} identities`,
        next: 'use fewer processes, or solver.classifier: dense',
      });
    }
    this.counts = evenCounts(classes, size);
    this.first = this.counts.slice(0, rank).reduce((a, b) => a + b, 0);
    this.count = this.counts[rank];
  }

  /** Every row, in every process. */
  static whole(classes: number): RowRange {
    return new RowRange(classes, { rank: 0, size: 1 });
  }

  holds(row: number): boolean {
    return row >= this.first && row < this.first + this.count;
  }
}
