// Pair files of two paths and a label on each line, the label last or first; a header of whatever words may come before.
import { labelOf, labelWords } from './labels.js';
import type { Line, PairForm } from './pair.js';

function fits({ words }: Line): boolean {
  return words.length === 3 && labelOf(words[2]) !== undefined;
}

/** A header is a first line that does not fit where the second does, of words that are no paths. */
function withoutHeader(lines: readonly Line[]): readonly Line[] {
  const [first, second] = lines;
  const isHeader =
    second !== undefined &&
    fits(second) &&
    !fits(first) &&
    first.words.length === second.words.length &&
    first.words.every((word) => /\p{L}/u.test(word) && !/[./\\]/.test(word));
  return isHeader ? lines.slice(1) : lines;
}

export const labelLast: PairForm = {
  name: 'list',
  looks: `\`path path label\` (label ${labelWords})`,
  body: withoutHeader,
  fits,
  parse: (body) => ({
    format: 'list',
    pairs: body.map(({ number, words: [a, b, label] }) => ({ line: number, a, b, same: labelOf(label) === true })),
  }),
};

export const labelFirst: PairForm = {
  name: 'label-first',
  looks: '`label path path`',
  body: (lines) => withoutHeader(lines.map(labelToTheEnd)),
  fits,
  parse: (body, announcement, name) => ({ ...labelLast.parse(body, announcement, name), format: 'label-first' }),
};

function labelToTheEnd({ number, words: [label, ...paths] }: Line): Line {
  return { number, words: [...paths, label] };
}
