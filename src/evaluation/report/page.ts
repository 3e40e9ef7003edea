// The frame of every page: one HTML text with its style inside, readable without script or network.
import { Html, html, type Piece } from './html.js';
import { reportStyle } from './style.js';

/** Named statements, for instance a model's metadata, in the order to print them. */
export type Facts = readonly (readonly [name: string, value: string])[];

/** What a page shows between its frame. */
export interface PageContent {
  readonly title: string;
  readonly header: Piece;
  readonly main: Piece;
  readonly footer: Piece;
}

export function renderPage({ title, header, main, footer }: PageContent): string {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"
        />
        <title>${title}</title>
        <style>
          ${new Html(reportStyle)}
        </style>
      </head>
      <body>
        <header>${header}</header>
        <main>${main}</main>
        <footer>${footer}</footer>
      </body>
    </html>`.text;
}

/** Facts as a table. */
export function factsTable(title: string, facts: Facts): Html {
  return html`<table>
    <caption>
      ${title}
    </caption>
    <tbody>
      ${facts.map(
        ([name, value]) =>
          html`<tr>
            <th scope="row">${name}</th>
            <td class="long">${value}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** A number with thousands separators. */
export function count(value: number): string {
  return value.toLocaleString('en');
}
