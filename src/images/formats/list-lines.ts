// The lines of a list: `path label`, or MXNet's `index<tab>label…<tab>path`.
import { SphereFaceError } from '../../common/errors.js';

/** One image of a list. */
export interface ListLine {
  /** Counted from 1. */
  readonly number: number;
  /** The line, without blanks around it. */
  readonly text: string;
  readonly file: string;
  readonly label: string;
}

/** Empty, or a line that begins as a comment does: `#` alone, or `#` and a blank. */
const commentStart = /^#(\s|$)/;

/**
 * The images of a list. Lines of MXNet's form (`.lst`: a number, one or several labels, a path, separated by tabs) are
 * told by all of the list having it; of several labels the first says who it is.
 * @param isImage whether a path leads to an image: a line that begins as a comment is one unless it does
 * @throws SphereFaceError with the line number for a line of another form.
 */
export async function parseListLines(
  text: string,
  name: string,
  isImage: (file: string) => Promise<boolean>,
): Promise<ListLine[]> {
  const lines = text
    .split(/\r\n|\n|\r/)
    .map((line, index) => ({ number: index + 1, text: line.trim() }))
    .filter((line) => line.text !== '');
  const content = lines.filter((line) => !commentStart.test(line.text));
  const parse = content.length > 0 && content.every((line) => indexed.test(line.text)) ? parseIndexed : parseLabelled;
  const images: ListLine[] = [];
  for (const line of lines) {
    const parsed = parse(line.text);
    if (commentStart.test(line.text) && !(parsed !== undefined && (await isImage(parsed.file)))) continue;
    if (parsed === undefined) throw wrongLine(line, name, 'is not "path label"');
    images.push({ ...line, ...parsed });
  }
  return images;
}

/** The error for a line of a list. */
export function wrongLine(
  line: Pick<ListLine, 'number' | 'text'>,
  list: string,
  what: string,
  next?: string,
): SphereFaceError {
  return new SphereFaceError(`Line ${line.number} of ${list} ${what}.`, {
    got: line.text.slice(0, 200),
    expected: 'a path, a blank, a label',
    ...(next === undefined ? {} : { next }),
  });
}

type Parsed = Pick<ListLine, 'file' | 'label'>;

function parseLabelled(text: string): Parsed | undefined {
  const match = /^(.*\S)\s+(\S+)$/.exec(text);
  return match === null ? undefined : { file: match[1], label: match[2] };
}

/** A whole number, one or more numbers, and a path that is none. */
const indexed = /^\d+\t(?:[-+.\deE]+\t)+(?![-+.\deE]+$)[^\t]+$/;

function parseIndexed(text: string): Parsed {
  const fields = text.split('\t');
  // Labels are written as floating-point numbers: 3.000000 is 3.
  return { file: fields[fields.length - 1], label: String(Number(fields[1])) };
}
