// Work on many items at once, with the results in the order of the items.

/**
 * Applies `work` to every item, at most `limit` at a time, and gives out the results in the order of the items. Stopping
 * the iteration waits for what is under way.
 */
export async function* inOrder<T, R>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const underWay: Promise<R>[] = [];
  try {
    for (const item of items) {
      const result = work(item);
      // The first failure is met when its turn comes; later ones must not count as unhandled meanwhile.
      result.catch(() => undefined);
      underWay.push(result);
      if (underWay.length >= limit) yield await underWay.shift()!;
    }
    while (underWay.length > 0) yield await underWay.shift()!;
  } finally {
    await Promise.allSettled(underWay);
  }
}
