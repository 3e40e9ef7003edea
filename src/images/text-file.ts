// Text files in whatever encoding people's tools write: UTF-8, UTF-16 with its mark, or a code page, which is a guess and said.
import { readFile } from 'node:fs/promises';
import { decodeText } from './code-pages.js';

/** The text of a file, and what is to be said of how it was read. */
export interface TextFile {
  readonly text: string;
  readonly warnings: readonly string[];
}

/** @throws the error of the file system where it cannot be read. */
export async function readTextFile(path: string): Promise<TextFile> {
  const { text, encoding } = decodeText(await readFile(path));
  return { text, warnings: encoding.startsWith('UTF') ? [] : [`${path} is not in UTF-8; it was read as ${encoding}`] };
}
