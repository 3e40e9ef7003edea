// Gallery and probe lists: an image and its identity on each line.
import { normaliseName } from '../../common/names.js';
import { UsageError } from '../../common/errors.js';
import { cutLines, type KnownImages } from './lines.js';
import type { Line } from './pair.js';

/** One line of a gallery or probe list. */
export interface ListedImage {
  readonly line: number;
  readonly file: string;
  readonly identity: string;
}

/**
 * Reads a gallery or probe list: a path per line, and after it the identity; without it the path's first folder is
 * the identity. Words are separated by tabs, blanks, commas or semicolons; where a path holds blanks itself, the known
 * images decide what is meant.
 * @param name how to call the file in errors
 * @param known the images there are
 * @throws UsageError with the line number for a line that is neither
 */
export function parseImageList(text: string, name: string, known?: KnownImages): ListedImage[] {
  const cuts = cutLines(text, known);
  const [likeliest] = cuts;
  if (likeliest.length === 0) throw new UsageError(`${name} holds no images`, { expected: 'a line per image' });
  const readings = cuts.map((lines) => lines.map(listed)).filter((images) => !images.includes(undefined));
  if (readings.length === 0) throw misfit(likeliest.find((line) => listed(line) === undefined) ?? likeliest[0], name);
  const found = readings.map((images) => images.filter((image) => known?.hasImage(image?.file ?? '')).length);
  return readings[found.indexOf(Math.max(...found))].filter((image) => image !== undefined);
}

function listed({ number, words }: Line): ListedImage | undefined {
  const [file, stated] = words;
  const identity = stated ?? (file.includes('/') ? file.split('/')[0] : undefined);
  if (words.length > 2 || identity === undefined) return undefined;
  // One person's name may come from two systems: composed in one list, decomposed in the other.
  return { line: number, file, identity: normaliseName(identity) };
}

function misfit({ number, words }: Line, name: string): UsageError {
  return new UsageError(`${name}, line ${number} is not an image of an identity`, {
    got: words.join(' '),
    expected: 'identity/image, or a path and an identity',
    next: 'separate the two by a tab if a path holds blanks',
  });
}
