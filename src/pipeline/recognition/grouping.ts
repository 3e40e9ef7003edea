// Which of many faces are one person, where nobody says how many people there are: groups by average linkage.
import { cosine } from '../../evaluation/metrics/cosine.js';

/** Indices of the faces of one person, ascending. */
export type GroupedFaces = readonly number[];

/**
 * Joins the two groups that are most alike, by the mean cosine over all pairs between them, as long as that is above a threshold. The
 * result depends on no order of the faces, and one pair that is alike by accident does not join two people. Time grows with the square of
 * the number of faces (Murtagh's chain of nearest neighbours, 1983).
 * @param threshold a cosine, −1 to 1: what pairs of one person are above
 * @returns the groups, largest first; a face that is like no other is a group by itself
 */
export function groupFaces(embeddings: readonly Float32Array[], threshold: number): GroupedFaces[] {
  const open = new Map<number, number[]>(embeddings.map((_, face) => [face, [face]]));
  /** Sums of cosines over the pairs between two groups. */
  const sums = embeddings.map((a) => Float64Array.from(embeddings, (b) => cosine(a, b)));
  const likeness = (a: number, b: number): number => sums[a]![b]! / (open.get(a)!.length * open.get(b)!.length);
  const join = (into: number, from: number): void => {
    open.get(into)!.push(...open.get(from)!);
    open.delete(from);
    for (const other of open.keys()) {
      sums[into]![other]! += sums[from]![other]!;
      sums[other]![into] = sums[into]![other]!;
    }
  };

  const groups: number[][] = [];
  const chain: number[] = [];
  while (open.size > 0) {
    if (chain.length === 0) chain.push(open.keys().next().value!);
    const last = chain.at(-1)!;
    const before = chain.at(-2);
    // Where others are as near as the one before, that one: the chain must end.
    let nearest = before;
    for (const other of open.keys()) {
      if (other !== last && (nearest === undefined || likeness(last, other) > likeness(last, nearest))) nearest = other;
    }
    if (nearest === undefined || likeness(last, nearest) <= threshold) {
      // It stays as it is: the likeness to a union lies between those to its parts.
      groups.push(open.get(last)!);
      open.delete(last);
      chain.pop();
    } else if (nearest === before) {
      chain.length -= 2;
      join(before, last);
    } else {
      chain.push(nearest);
    }
  }
  for (const group of groups) group.sort((a, b) => a - b);
  return groups.sort((a, b) => b.length - a.length || a[0]! - b[0]!);
}
