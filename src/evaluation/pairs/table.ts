// Pair files with a header that names the columns: two images, a label, perhaps a fold; as spreadsheets and scripts write them.
import { UsageError } from '../../common/errors.js';
import { labelOf } from './labels.js';
import type { Line, PairForm } from './pair.js';

const labelColumn = /^(label|(is)?(same|match|matched)(person|identity)?|target|truth|groundtruth|genuine)$/;
const imageColumn =
  /^(image|img|file|filename|path|photo|picture|face|name|person|left|right|first|second|probe|gallery|reference|query|[ab])(a|b|path|file|name|image|img|photo|face|one|two)?$/;
const foldColumn = /^(fold|split)$/;
const countColumn = /^(|id|index|idx|no|number|line|pair|pairid)$/;

/** Where the columns are. */
interface Columns {
  readonly images: readonly [number, number];
  readonly label: number;
  readonly fold: number | undefined;
}

/**
 * The columns that a header names; `undefined` for a line that is none. Others than these (a count, a distance) are left alone. `id1` and
 * `id2` are images where nothing else is.
 */
function columnsOf({ words }: Line): Columns | undefined {
  const kinds = words.map((word) => {
    const plain = word.toLowerCase().replace(/[^a-z./\\]/g, '');
    if (labelColumn.test(plain)) return 'label';
    if (foldColumn.test(plain)) return 'fold';
    if (imageColumn.test(plain)) return 'image';
    return countColumn.test(plain) && labelOf(word) === undefined ? 'count' : 'other';
  });
  const of = (kind: string): number[] => kinds.flatMap((found, i) => (found === kind ? [i] : []));
  const [named, label, fold] = [of('image'), of('label'), of('fold')];
  const numbered = words.flatMap((word, i) => (/^id[\s_]?[12ab]$/i.test(word) ? [i] : []));
  const images = named.length === 0 ? numbered : named;
  if (images.length !== 2 || label.length !== 1 || fold.length > 1) return undefined;
  return { images: [images[0], images[1]], label: label[0], fold: fold[0] };
}

/** How many words stand before the columns of the header: R writes the rows' names without a heading of their own. */
function leadOf([header, ...rows]: readonly Line[]): number {
  return rows.every(({ words }) => words.length === header.words.length + 1) ? 1 : 0;
}

export const table: PairForm = {
  name: 'table',
  looks: 'a header such as `image1,image2,label` (and `fold`), then rows',
  body: (lines) => {
    const columns = columnsOf(lines[0]);
    if (columns === undefined || lines.length < 2) return undefined;
    const { images, label, fold } = columns;
    const order = [...images, label, ...(fold === undefined ? [] : [fold])];
    const lead = leadOf(lines);
    // A row of another length keeps its words, so that it does not fit.
    return lines.slice(1).map(({ number, words }) => ({
      number,
      words: words.length === lines[0].words.length + lead ? order.map((column) => words[column + lead]) : words,
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
