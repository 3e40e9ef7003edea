// How pair files say "the same person" and "two people".

const labels: ReadonlyMap<string, boolean> = new Map([
  ['1', true],
  ['0', false],
  ['+1', true],
  ['-1', false],
  ['1.0', true],
  ['0.0', false],
  ['-1.0', false],
  ['true', true],
  ['false', false],
  ['same', true],
  ['different', false],
  ['yes', true],
  ['no', false],
]);

/** The labels, for errors. */
export const labelWords = '1 or 0, +1 or -1, true or false, same or different, yes or no';

/** Whether a label means the same person; `undefined` for a word that is no label. */
export function labelOf(word: string | undefined): boolean | undefined {
  return word === undefined ? undefined : labels.get(word.toLowerCase());
}
