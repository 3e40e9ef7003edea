// Pair files with a header that names the columns: two images, a label, perhaps a fold; as spreadsheets and scripts write them.
import { UsageError } from '../../common/errors.js';
import { labelOf } from './labels.js';
import type { Line, PairForm } from './pair.js';

const labelColumn = /^(label|(is)?(same|match|matched)(person|identity)?|target|truth|groundtruth|genuine)$/;
const imageColumn =
  /^(image|img|file|filename|path|photo|picture|face|name|person|left|right|first|second|probe|gallery|reference|query|[ab])(a|b|path|file|name|one|two)?$/;
const foldColumn = /^(fold|split)$/;
const countColumn = /^(|id|index|idx|no|number|line|pair|pairid)$/;

/** Where the columns are. */
interface Columns {
  readonly images: readonly [number, number];
  readonly label: number;
  readonly fold: number | undefined;
}

/** The columns that a header names; `undefined` for a line that is none. */
function columnsOf({ words }: Line): Columns | undefined {
  const kinds = words.map((word) => {
    const plain = word.toLowerCase().replace(/[^a-z./\\]/g, '');
    if (labelColumn.test(plain)) return 'label';
    if (foldColumn.test(plain)) return 'fold';
    if (imageColumn.test(plain)) return 'image';
    return countColumn.test(plain) && labelOf(word) === undefined ? 'count' : undefined;
  });
  const of = (kind: string): number[] => kinds.flatMap((found, i) => (found === kind ? [i] : []));
  const [images, label, fold] = [of('image'), of('label'), of('fold')];
  if (kinds.includes(undefined) || images.length !== 2 || label.length !== 1 || fold.length > 1) return undefined;
  return { images: [images[0], images[1]], label: label[0], fold: fold[0] };
}

export const table: PairForm = {
  name: 'table',
  looks: 'a header such as `image1,image2,label` (and `fold`), then rows',
  body: (lines) => {
    const columns = columnsOf(lines[0]);
    if (columns === undefined || lines.length < 2) return undefined;
    const { images, label, fold } = columns;
    const order = [...images, label, ...(fold === undefined ? [] : [fold])];
    // A row of another length keeps its words, so that it does not fit.
    return lines.slice(1).map(({ number, words }) => ({
      number,
      words: words.length === lines[0].words.length ? order.map((column) => words[column]) : words,
    }));
  },
  fits: ({ words }) =>
    (words.length === 3 || (words.length === 4 && /^\d+$/.test(words[3]))) && labelOf(words[2]) !== undefined,
  parse: (body, _, name) => {
    const pairs = body.map(({ number, words: [a, b, label] }) => ({
      line: number,
      a,
      b,
      same: labelOf(label) === true,
    }));
    if (body.every(({ words }) => words.length === 3)) return { format: 'table', pairs };
    const stated = body.map(({ words }) => Number(words[3]));
    const numbers = [...new Set(stated)].sort((a, b) => a - b);
    if (numbers.length < 2) {
      throw new UsageError(`${name} puts all pairs into one fold`, {
        got: `fold ${numbers[0]}`,
        expected: 'two or more',
      });
    }
    return {
      format: 'table',
      pairs,
      fold: Uint32Array.from(stated, (fold) => numbers.indexOf(fold)),
      folds: numbers.length,
    };
  },
};
