// The lines of a list, in the form by which its paths lead to images.
import { SphereFaceError } from '../../common/errors.js';
import { evenlySpread } from '../../common/spread.js';
import { hasImageExtension } from '../names.js';
import { indexed, labelled, type ListReading, otherReadings } from './list-readings.js';

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

/** How many lines tell the form of a list. */
const sampleSize = 32;

/** Whether a path leads to an image, by whatever name it has there. */
export type IsImage = (file: string) => Promise<boolean>;

/** The lines of a list, and what there is to say about them. */
export interface ListLines {
  readonly lines: readonly ListLine[];
  readonly warnings: readonly string[];
}

/**
 * The images of a list. Of the forms that lists have, it has that by which most of its paths lead to images; where none leads
 * anywhere, it has that of MXNet if all lines are of it, else `path label`.
 * @param isImage also tells a line that begins as a comment does and is none
 * @throws SphereFaceError with the line number for a line of another form, and with the first line where it can be read in two ways.
 */
export async function parseListLines(text: string, name: string, isImage: IsImage): Promise<ListLines> {
  const lines = text
    .split(/\r\n|\n|\r/)
    .map((line, index) => ({ number: index + 1, text: line.trim() }))
    .filter((line) => line.text !== '');
  const content = lines.filter((line) => !commentStart.test(line.text));
  const reading = await readingOf(content, name, isImage);
  const images: ListLine[] = [];
  for (const line of lines) {
    const parsed = reading.parse(line.text);
    if (commentStart.test(line.text) && !(parsed !== undefined && (await isImage(parsed.file)))) continue;
    if (parsed === undefined) throw wrongLine(line, name, `is not "${reading.form}"`, reading);
    images.push({ ...line, ...parsed });
  }
  const [first] = images;
  if (!(await isHeader(images, isImage))) return { lines: images, warnings: [] };
  return { lines: images.slice(1), warnings: [`line ${first.number} of ${name} is taken for a header: ${first.text}`] };
}

/** Whether the first line names columns: no path, and a word that is nobody's label. */
async function isHeader([first, ...rest]: readonly ListLine[], isImage: IsImage): Promise<boolean> {
  if (first === undefined || rest.length === 0) return false;
  const { file, label } = first;
  if (hasImageExtension(file) || /[/\\]/.test(file) || !/^\p{L}[\p{L}_ ]*$/u.test(label)) return false;
  return !rest.some((line) => line.label === label) && !(await isImage(file));
}

async function readingOf(content: readonly ContentLine[], name: string, isImage: IsImage): Promise<ListReading> {
  const sample = evenlySpread(content.length, sampleSize).map((index) => content[index]);
  const usual =
    content.length > 0 && content.every(({ text }) => indexed.parse(text) !== undefined) ? indexed : labelled;
  let best: { readonly readings: ListReading[]; readonly images: number } = { readings: [usual], images: 0 };
  for (const reading of [usual, ...otherReadings]) {
    let images = 0;
    for (const { text } of sample) {
      const file = reading.parse(text)?.file;
      if (file !== undefined && (await isImage(file))) images++;
    }
    // The usual form needs no comparison where it fits.
    if (reading === usual && images > 0 && images === sample.length) return usual;
    if (images > best.images) best = { readings: [reading], images };
    else if (images > 0 && images === best.images) best.readings.push(reading);
  }
  const [reading] = best.readings;
  const filesOf = ({ parse }: ListReading): string => sample.map(({ text }) => parse(text)?.file).join('\n');
  const other = reading === usual ? undefined : best.readings.find((one) => filesOf(one) !== filesOf(reading));
  if (other === undefined) return reading;
  throw new SphereFaceError(`${name} can be read in several ways: two of its columns lead to images.`, {
    got: sample[0].text.slice(0, 200),
    expected: `one path and one label in a line; this could be "${reading.form}" or "${other.form}"`,
    next: 'write "path label" lines; pairs of images are given with --pairs',
  });
}

type ContentLine = Pick<ListLine, 'number' | 'text'>;

/** The error for a line of a list. */
export function wrongLine(
  line: ContentLine,
  list: string,
  what: string,
  { form }: ListReading = labelled,
): SphereFaceError {
  return new SphereFaceError(`Line ${line.number} of ${list} ${what}.`, {
    got: line.text.slice(0, 200),
    expected: form === labelled.form ? 'a path, a blank, a label' : `"${form}", as in the other lines`,
  });
}
