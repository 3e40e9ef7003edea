// The one way of text for people to a terminal: below it no control character of a folder's or file's name gets through.
import { printable } from '../common/index.js';
import { clearLive } from './live-line.js';

/** Writes a line, or several, to stdout or stderr; a line that is drawn again and again makes room for it. */
export function say(text: string, stream: 'stdout' | 'stderr'): void {
  clearLive();
  process[stream].write(`${printable(text)}\n`);
}
