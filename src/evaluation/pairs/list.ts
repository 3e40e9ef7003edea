// Pair files of two paths and a label on each line, the label last or first.
import { labelOf, labelWords } from './labels.js';
import type { Line, PairForm } from './pair.js';

export const labelLast: PairForm = {
  name: 'list',
  looks: `\`path path label\` (label ${labelWords})`,
  body: (lines) => lines,
  fits: ({ words }) => words.length === 3 && labelOf(words[2]) !== undefined,
  parse: (body) => ({
    format: 'list',
    pairs: body.map(({ number, words: [a, b, label] }) => ({ line: number, a, b, same: labelOf(label) === true })),
  }),
};

export const labelFirst: PairForm = {
  name: 'label-first',
  looks: '`label path path`',
  body: (lines) => lines.map(labelToTheEnd),
  fits: labelLast.fits,
  parse: (body, announcement, name) => ({ ...labelLast.parse(body, announcement, name), format: 'label-first' }),
};

function labelToTheEnd({ number, words: [label, ...paths] }: Line): Line {
  return { number, words: [...paths, label] };
}
