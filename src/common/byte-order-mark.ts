// The byte order mark that editors of Windows put before the text of a file: no part of the text.

/** Text without the mark. */
export function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, '');
}
