// Asynchronous work one piece after the other, in the order it was asked for.

/** A line of asynchronous work: what shares a buffer, or an engine that takes one call at a time, goes through one. */
export class Queue {
  private last: Promise<void> = Promise.resolve();

  /** Starts `work` when all that was asked for before has ended, well or badly. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    // Only the end is waited for: holding the result would keep its tensors until the next call.
    this.last = result.then(ended, ended);
    return result;
  }

  /** Resolves when everything asked for so far has ended. */
  idle(): Promise<void> {
    return this.last;
  }
}

function ended(): void {
  // Whether it went well is the business of whoever asked.
}
