// Numbers with the words they count: 1 pair, 2 pairs.

/** A number and its word, in the plural unless there is one. */
export function counted(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}
