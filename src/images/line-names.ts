// Which paths a line of text can hold: lists and pair files name images by lines, whose words are cut at tabs and trimmed.

/** Whether a path is read from a line as it was written: a folder's name may hold a line break, which no line can. */
export function fitsInLine(path: string): boolean {
  return path === path.trim() && !/[\t\n\r\u2028\u2029]/.test(path);
}
