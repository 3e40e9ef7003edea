// Pair files: LFW's own (view 1 and view 2, tabs or spaces) and generic `a b label` lines; and finding their images.
import { SphereFaceError } from '../common/errors.js';

/** One line of a pair file. */
export interface Pair {
  /** Line number in the file, from 1. */
  readonly line: number;
  /** The two images as the file means them: paths, for LFW without extension (`Name/Name_0001`). */
  readonly a: string;
  readonly b: string;
  readonly same: boolean;
}

/** A parsed pair file. */
export interface PairFile {
  /** `lfw`: names and numbers; `list`: paths and a label. */
  readonly format: 'lfw' | 'list';
  readonly pairs: readonly Pair[];
  /** The fold of each pair and their number, where the file states folds (LFW view 2). */
  readonly fold?: Uint32Array;
  readonly folds?: number;
}

/** One line of a gallery or probe list. */
export interface ListedImage {
  readonly line: number;
  readonly file: string;
  readonly identity: string;
}

interface Line {
  readonly number: number;
  readonly tokens: readonly string[];
}

const wholeNumber = /^\d+$/;

/**
 * Reads a pair file.
 *
 * LFW: `Name 1 2` is a matched and `Name 1 Other 2` a mismatched pair; view 1 begins with the number of matched pairs,
 * view 2 with the number of folds and of pairs of each kind per fold; without such a line, 6,000 pairs are view 2's.
 * Generic: `path path label`, label 1 or 0 (or `same`, `different`); separated by tabs if a line has tabs, by spaces
 * otherwise; blank lines and lines that begin with # are skipped.
 *
 * @param name how to call the file in errors
 */
export function parsePairs(text: string, name: string): PairFile {
  const lines = parseLines(text);
  if (lines.length === 0) throw new SphereFaceError(`${name} holds no pairs`, { expected: 'a line per pair' });
  const [first, ...rest] = lines;
  if (first.tokens.length <= 2 && first.tokens.every((token) => wholeNumber.test(token))) {
    const counts = first.tokens.map(Number);
    const pairs = rest.map((line) => lfwPair(line, name));
    return counts.length === 2 ? view2(pairs, counts[0], counts[1], name) : viewOne(pairs, counts[0], name);
  }
  if (lines.every(looksLikeLfw)) {
    const pairs = lines.map((line) => lfwPair(line, name));
    return pairs.length === 6000 ? view2(pairs, 10, 300, name) : { format: 'lfw', pairs };
  }
  return { format: 'list', pairs: lines.map((line) => listedPair(line, name)) };
}

/**
 * Reads a gallery or probe list: a path per line, and after it the identity; without it the path's first folder is
 * the identity.
 */
export function parseImageList(text: string, name: string): ListedImage[] {
  const lines = parseLines(text);
  if (lines.length === 0) throw new SphereFaceError(`${name} holds no images`, { expected: 'a line per image' });
  return lines.map(({ number, tokens }) => {
    const [file] = tokens;
    const identity = tokens[1] ?? (file.includes('/') ? file.split('/')[0] : undefined);
    if (tokens.length > 2 || identity === undefined) {
      throw new SphereFaceError(`${name}, line ${number} is not an image of an identity`, {
        got: tokens.join(' '),
        expected: 'identity/image, or a path and an identity',
        next: 'separate the two by a tab if a path holds spaces',
      });
    }
    return { line: number, file, identity };
  });
}

/** Lines as tokens: by tabs if a line has tabs, by spaces otherwise. */
function parseLines(text: string): Line[] {
  const lines: Line[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const tokens = line.split(line.includes('\t') ? /\t+/ : / +/).map((token) => token.trim());
    lines.push({ number: index + 1, tokens });
  }
  return lines;
}

function looksLikeLfw({ tokens }: Line): boolean {
  if (tokens.length === 3) return wholeNumber.test(tokens[1]) && wholeNumber.test(tokens[2]);
  return tokens.length === 4 && wholeNumber.test(tokens[1]) && wholeNumber.test(tokens[3]);
}

function lfwPair(line: Line, name: string): Pair {
  if (!looksLikeLfw(line)) {
    throw new SphereFaceError(`${name}, line ${line.number} is not an LFW pair`, {
      got: line.tokens.join(' '),
      expected: '`Name 1 2` or `Name 1 Other 2`',
    });
  }
  const { tokens } = line;
  const [a, b] = tokens.length === 3 ? [tokens[0], tokens[0]] : [tokens[0], tokens[2]];
  return {
    line: line.number,
    a: lfwImage(a, tokens[1]),
    b: lfwImage(b, tokens[tokens.length - 1]),
    same: tokens.length === 3,
  };
}

function lfwImage(name: string, number: string): string {
  return `${name}/${name}_${String(Number(number)).padStart(4, '0')}`;
}

const labels: ReadonlyMap<string, boolean> = new Map([
  ['1', true],
  ['0', false],
  ['same', true],
  ['different', false],
]);

function listedPair({ number, tokens }: Line, name: string): Pair {
  const [a, b, label] = tokens;
  const same = labels.get(label);
  if (tokens.length !== 3 || same === undefined) {
    throw new SphereFaceError(`${name}, line ${number} is not a pair`, {
      got: tokens.join(' '),
      expected: `two paths and a label (${[...labels.keys()].join(', ')})`,
      next: 'separate the three by tabs if a path holds spaces',
    });
  }
  return { line: number, a, b, same };
}

function viewOne(pairs: readonly Pair[], matched: number, name: string): PairFile {
  const got = pairs.filter((pair) => pair.same).length;
  if (got !== matched) {
    throw new SphereFaceError(`${name} does not hold the pairs it announces`, {
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
    throw new SphereFaceError(`${name} does not hold the folds it announces`, {
      got: wrong < 0 ? `${pairs.length} pairs` : `another kind of pair at line ${pairs[wrong].line}`,
      expected: `${folds} folds of ${each} matched, then ${each} mismatched pairs`,
    });
  }
  return { format: 'lfw', pairs, fold, folds };
}

/** A pair that cannot be used, and why. */
export interface MissingPair {
  readonly line: number;
  readonly a: string;
  readonly b: string;
  readonly reason: string;
}

/** Pairs whose images exist: indices into the entries, and which pairs of the file they are. */
export interface ResolvedPairs {
  readonly left: Int32Array;
  readonly right: Int32Array;
  /** The index in the file's pairs of each resolved pair. */
  readonly kept: Uint32Array;
  readonly missing: readonly MissingPair[];
}

/** Finds the images of pairs among `files` (paths with forward slashes). An extension may be left out in the pair. */
export function resolvePairs(pairs: readonly Pair[], files: readonly string[]): ResolvedPairs {
  const find = fileFinder(files);
  const left: number[] = [];
  const right: number[] = [];
  const kept: number[] = [];
  const missing: MissingPair[] = [];
  for (const [index, { line, a, b }] of pairs.entries()) {
    const [i, j] = [find(a), find(b)];
    if (i !== undefined && j !== undefined) {
      left.push(i);
      right.push(j);
      kept.push(index);
    } else {
      const absent = [...new Set([...(i === undefined ? [a] : []), ...(j === undefined ? [b] : [])])];
      missing.push({ line, a, b, reason: `no image ${absent.join(' and ')}` });
    }
  }
  return { left: Int32Array.from(left), right: Int32Array.from(right), kept: Uint32Array.from(kept), missing };
}

/**
 * A lookup of paths among `files`: exact first, then without extension. Where two files differ only in the extension,
 * the shorter path is refused: it could mean either.
 */
export function fileFinder(files: readonly string[]): (path: string) => number | undefined {
  const exact = new Map(files.map((file, index) => [file, index]));
  const stems = new Map<string, number>();
  const ambiguous = new Set<string>();
  for (const [index, file] of files.entries()) {
    const stem = file.replace(/\.[^./]+$/, '');
    if (stems.has(stem)) ambiguous.add(stem);
    stems.set(stem, index);
  }
  return (path) => {
    const clean = path.replace(/\\/g, '/').replace(/^(\.\/)+/, '');
    const found = exact.get(clean);
    if (found !== undefined) return found;
    if (ambiguous.has(clean)) {
      throw new SphereFaceError(`"${path}" could mean several images`, {
        got: files.filter((file) => file.startsWith(`${clean}.`)).join(', '),
        expected: 'one image of that name',
        next: 'write the extension in the pair file, or remove one of them',
      });
    }
    return stems.get(clean);
  };
}
