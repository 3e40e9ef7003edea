// The index of a RecordIO file (`train.idx`): where each record lies, by its key.
import { readFile } from 'node:fs/promises';
import { SphereFaceError } from '../../common/errors.js';

/** Keys, ascending, and the position in the file of the record of each. */
export interface RecordIndex {
  readonly keys: Float64Array;
  readonly offsets: Float64Array;
}

/**
 * Reads an index: a line `key<tab>offset` (or a blank in place of the tab) per record; `undefined` if the file is not there. Millions of lines are read byte
 * by byte, without a string for each.
 * @throws SphereFaceError for a line of another form.
 */
export async function readIndex(path: string): Promise<RecordIndex | undefined> {
  const text = await readFile(path).catch(() => undefined);
  if (text === undefined) return undefined;
  let lines = 0;
  for (const byte of text) if (byte === newline) lines++;
  const keys = new Float64Array(lines + 1);
  const offsets = new Float64Array(lines + 1);
  let count = 0;
  let sorted = true;
  for (let start = 0, line = 1; start < text.length; line++) {
    const found = text.indexOf(newline, start);
    const end = found < 0 ? text.length : found;
    const tab = separatorIn(text, start, end);
    const key = tab < 0 ? NaN : digits(text, start, tab);
    const offset = tab < 0 ? NaN : digits(text, tab + 1, text[end - 1] === carriageReturn ? end - 1 : end);
    if (Number.isNaN(key) || Number.isNaN(offset)) {
      const got = text.toString('latin1', start, Math.min(end, start + 80));
      if (got.trim() !== '') {
        throw new SphereFaceError(`Line ${line} of ${path} cannot be understood.`, {
          got,
          expected: 'a record number, a tab, a position in the .rec file',
        });
      }
    } else {
      if (count > 0 && key <= keys[count - 1]) sorted = false;
      keys[count] = key;
      offsets[count++] = offset;
    }
    start = end + 1;
  }
  if (sorted) return { keys: keys.subarray(0, count), offsets: offsets.subarray(0, count) };
  const order = Uint32Array.from({ length: count }, (_, index) => index).sort((i, j) => keys[i] - keys[j]);
  return {
    keys: Float64Array.from(order, (index) => keys[index]),
    offsets: Float64Array.from(order, (index) => offsets[index]),
  };
}

const newline = 0x0a;
const tabulator = 0x09;
const blank = 0x20;
const carriageReturn = 0x0d;
const zero = 0x30;

/** Where the first tab or blank of a line is; −1 where it has none. */
function separatorIn(text: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) if (text[at] === tabulator || text[at] === blank) return at;
  return -1;
}

/** The number written in `text` from `start` to `end`; NaN unless it is 1 to 15 digits. */
function digits(text: Uint8Array, start: number, end: number): number {
  if (end <= start || end > start + 15) return NaN;
  let value = 0;
  for (let index = start; index < end; index++) {
    const digit = text[index] - zero;
    if (digit < 0 || digit > 9) return NaN;
    value = value * 10 + digit;
  }
  return value;
}
