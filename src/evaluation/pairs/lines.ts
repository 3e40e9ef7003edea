// Text files cut into lines and words: separators, comments, byte order marks.
import { withoutMark } from '../../common/byte-order-mark.js';
import type { Line } from './pair.js';

/** What is known of the images that a file names; it decides what the file's text alone leaves open. */
export interface KnownImages {
  hasImage(path: string): boolean;
  hasIdentity(name: string): boolean;
}

/** A way to cut lines into words. */
type Separator = (line: string) => string[];

const byTabsOrBlanks: Separator = (line) => quotedRuns(line, line.includes('\t') ? '\t' : ' ');
const byCommas: Separator = (line) => withoutEmptyEnd(quotedFields(line, ','));
const bySemicolons: Separator = (line) => withoutEmptyEnd(quotedFields(line, ';'));
const byBlanks: Separator = (line) => line.split(/\s+/);
const whole: Separator = (line) => [line];

/** In the order in which they are tried. A line with a tab is cut at tabs only, so that paths may hold blanks; so may those in quotes. */
const separators: readonly Separator[] = [byTabsOrBlanks, byCommas, bySemicolons, byBlanks, whole];

/**
 * The lines of a text in every way that they can be cut into words, the likeliest first. Blank lines are left out, and
 * comments: lines that start with `#`, unless their first word is a known image or identity (somebody is called `#1 anna`);
 * where nothing is known, lines that start with `#` and a blank.
 */
export function cutLines(text: string, known?: KnownImages): Line[][] {
  const lines = withoutMark(text)
    .split(/\r\n|\n|\r/)
    .map((line, index) => ({ number: index + 1, text: line.trim() }))
    .filter(({ text: line }) => line !== '' && !isComment(line, known));
  return separators.map((cut) =>
    lines.map(({ number, text: line }) => ({ number, words: cut(line).map((word) => word.trim()) })),
  );
}

function isComment(line: string, known: KnownImages | undefined): boolean {
  if (!line.startsWith('#')) return false;
  if (known === undefined) return /^#+(\s|$)/.test(line);
  return !separators.some((cut) => {
    const word = cut(line)[0].trim();
    return known.hasImage(word) || known.hasIdentity(word.split('/')[0]);
  });
}

/** The fields of a line as CSV has them (RFC 4180): a field in quotes may hold the separator, and quotes if doubled. */
function quotedFields(line: string, separator: string): string[] {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const character = line[i];
    if (character === '"' && quoted && line[i + 1] === '"') field += line[i++];
    else if (character === '"' && (quoted || field.trim() === '')) quoted = !quoted;
    else if (character === separator && !quoted) {
      fields.push(field);
      field = '';
    } else field += character;
  }
  return [...fields, field];
}

/** As {@link quotedFields}, with any number of separators between two fields. */
function quotedRuns(line: string, separator: string): string[] {
  return quotedFields(line, separator).filter((field) => field !== '');
}

function withoutEmptyEnd(fields: string[]): string[] {
  let { length } = fields;
  while (length > 1 && fields[length - 1].trim() === '') length--;
  return fields.slice(0, length);
}
