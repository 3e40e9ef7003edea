// HTML as text with everything escaped that is not itself HTML.
import { printable } from '../../common/printable.js';

/** Text that is already HTML. */
export class Html {
  constructor(readonly text: string) {}
}

/** What may be put into {@link html}: arrays are joined, `undefined` and `false` give nothing. */
export type Piece = Html | string | number | undefined | false | readonly Piece[];

/** A template tag: `` html`<b>${name}</b>` `` escapes `name`, and leaves nested {@link Html} as it is. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return new Html(strings.reduce((text, string, i) => text + render(pieces[i - 1]) + string));
}

function render(piece: Piece): string {
  if (piece === undefined || piece === false) return '';
  if (piece instanceof Html) return piece.text;
  if (Array.isArray(piece)) return piece.map(render).join('');
  return escapeHtml(String(piece));
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes text for element content and quoted attributes; control characters, which HTML has no place for, become visible. */
function escapeHtml(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => entities[character]);
}
