// The line at the bottom of a terminal that is drawn again and again. The cursor stays visible: nothing is left to restore.
import { printable } from '../common/index.js';

/** Erases from the cursor to the end of the line. */
const eraseRest = '\x1b[K';
let drawn = false;

/** Whether there is a terminal to draw on. */
export function hasTerminal(): boolean {
  return process.stderr.isTTY;
}

/** Draws the line, cut to the terminal's width. Call it only on a terminal. */
export function drawLive(line: string): void {
  const text = printable(line);
  const width = process.stderr.columns;
  // One column stays free: a full line would wrap, and the next drawing would begin a line too low.
  process.stderr.write(`\r${width > 1 ? text.slice(0, width - 1) : text}${eraseRest}`);
  drawn = true;
}

/** Takes the line away, so that other text can be written in its place. */
export function clearLive(): void {
  if (drawn) process.stderr.write(`\r${eraseRest}`);
  drawn = false;
}
