// How pair files say "the same person" and "two people".

const words: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
  ['t', true],
  ['f', false],
  ['same', true],
  ['different', false],
  ['yes', true],
  ['no', false],
  ['positive', true],
  ['negative', false],
  ['match', true],
  ['matched', true],
  ['mismatch', false],
  ['mismatched', false],
  ['genuine', true],
  ['impostor', false],
]);

/** 1, 0 and −1, as counts and as fractions are written. */
const number = /^(\+?1|-1|\+?0)(\.0*)?$/;

/** The labels, for errors. */
export const labelWords =
  '1 or 0, +1 or -1, true or false, same or different, yes or no, positive or negative, match or mismatch, genuine or impostor';

/** Whether a label means the same person; `undefined` for a word that is no label. */
export function labelOf(word: string | undefined): boolean | undefined {
  if (word === undefined) return undefined;
  return number.test(word) ? Number(word) === 1 : words.get(word.toLowerCase());
}
