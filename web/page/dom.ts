// Short ways to the page's elements.
import type { PhotoProblem, Thumbnail } from './protocol.js';

/** The element with an id, of the kind that it must be. */
export function byId<E extends HTMLElement = HTMLElement>(id: string, kind?: new () => E): E {
  const found = document.getElementById(id);
  if (found !== null && (kind === undefined || found instanceof kind)) return found as E;
  throw new TypeError(`the page has no ${kind?.name ?? 'element'} #${id}`);
}

/** A new element with text or children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  content: string | readonly (Node | string)[] = '',
  attributes: Readonly<Record<string, string>> = {},
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...(typeof content === 'string' ? [content] : content));
  return made;
}

/** A failure, where its result would be. */
export function errorText(error: unknown): HTMLElement {
  return element('p', error instanceof Error ? error.message : String(error), { class: 'error' });
}

/** A face as a picture. */
export function pictureOf({ width, height, data }: Thumbnail, label: string): HTMLCanvasElement {
  const canvas = element('canvas', '', { role: 'img', 'aria-label': label });
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')!.putImageData(new ImageData(data, width, height), 0, 0);
  return canvas;
}

/** Photos of which nothing came: counted, and listed for who wants to know. */
export function problemList(problems: readonly PhotoProblem[]): readonly Node[] {
  if (problems.length === 0) return [];
  const summary = `${problems.length} ${problems.length === 1 ? 'photo was' : 'photos were'} left out`;
  const items = problems.map(({ file, reason }) => element('li', `${file}: ${reason.split('\n')[0]!}`));
  return [element('details', [element('summary', summary), element('ul', items)])];
}
