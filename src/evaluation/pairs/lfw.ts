// LFW's own pair files, view 1 and view 2: names and numbers of images.
import { UsageError } from '../../common/errors.js';
import type { Line, Pair, PairFile, PairForm } from './pair.js';

/**
 * `Name 1 2` is a matched and `Name 1 Other 2` a mismatched pair. View 1 begins with the number of matched pairs, view 2
 * with the number of folds and of pairs of each kind per fold; copies as CSV begin with a header. Without a first line
 * of counts, 6,000 pairs are view 2's, as the published system reads them.
 */
export const lfw: PairForm = {
  name: 'lfw',
  looks: '`Name 1 2` or `Name 1 Other 2` (LFW)',
  body: (lines) => (lines.length > 1 && (isCounts(lines[0]) || isHeader(lines[0])) ? lines.slice(1) : lines),
  fits: ({ words }) =>
    words.length === 3
      ? isWhole(words[1]) && isWhole(words[2])
      : words.length === 4 && isWhole(words[1]) && isWhole(words[3]),
  parse: (body, [announcement], name) => {
    const pairs = body.map(pairOf);
    if (announcement === undefined || !isCounts(announcement)) {
      return pairs.length === 6000 ? view2(pairs, 10, 300, name) : { format: 'lfw', pairs };
    }
    const counts = announcement.words.map(Number);
    return counts.length === 2 ? view2(pairs, counts[0], counts[1], name) : view1(pairs, counts[0], name);
  },
};

function isWhole(word: string): boolean {
  return /^\d+$/.test(word);
}

function isCounts({ words }: Line): boolean {
  return words.length <= 2 && words.every(isWhole);
}

function isHeader({ words }: Line): boolean {
  return words.length > 2 && /^(name|person|identity)[\s_]?\d*$/i.test(words[0]) && !words.slice(1).some(isWhole);
}

function pairOf({ number, words }: Line): Pair {
  const same = words.length === 3;
  const other = same ? words[0] : words[2];
  return { line: number, a: imageOf(words[0], words[1]), b: imageOf(other, words[words.length - 1]), same };
}

function imageOf(name: string, number: string): string {
  return `${name}/${name}_${String(Number(number)).padStart(4, '0')}`;
}

function view1(pairs: readonly Pair[], matched: number, name: string): PairFile {
  const got = pairs.filter((pair) => pair.same).length;
  if (got !== matched) {
    throw new UsageError(`${name} does not hold the pairs it announces`, {
      got: `${got} matched pairs`,
      expected: `${matched}, as its first line says`,
    });
  }
  return { format: 'lfw', pairs };
}

function view2(pairs: readonly Pair[], folds: number, each: number, name: string): PairFile {
  const fold = Uint32Array.from(pairs, (_, i) => Math.floor(i / (2 * each)));
  const wrong = pairs.findIndex((pair, i) => pair.same !== i % (2 * each) < each);
  if (pairs.length !== folds * 2 * each || wrong >= 0) {
    throw new UsageError(`${name} does not hold the folds it announces`, {
      got: wrong < 0 ? `${pairs.length} pairs` : `another kind of pair at line ${pairs[wrong].line}`,
      expected: `${folds} folds of ${each} matched, then ${each} mismatched pairs`,
    });
  }
  return { format: 'lfw', pairs, fold, folds };
}
