// The report's one style sheet: a column of text as in a book, for a phone, a screen and paper.

/** CSS of the report. No font or picture is fetched; the families are those that common systems have. */
export const reportStyle = `
:root {
  --ink: #23211d; --soft: #6b665c; --rule: #d9d3c7; --paper: #fdfcf9; --accent: #8b1a2b; --wash: #f4f0e7;
  --serif: P052, Palatino, "Palatino Linotype", "Book Antiqua", Georgia, serif;
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; background: var(--paper); }
body {
  margin: 0 auto; padding: 2.5rem 1.25rem 4rem; max-width: 58rem; color: var(--ink);
  font: 1.0625rem/1.55 var(--serif); font-variant-numeric: lining-nums tabular-nums; text-wrap: pretty;
}
header { border-bottom: 3px double var(--rule); padding-bottom: 1.5rem; margin-bottom: 1.5rem; }
h1 { font-size: 1rem; font-weight: normal; letter-spacing: .14em; text-transform: uppercase; color: var(--soft); margin: 0 0 .4rem; }
.model { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1.25rem; overflow-wrap: anywhere; }
.headline { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1.25rem; margin: 0; }
.headline strong { font-size: clamp(3rem, 13vw, 4.75rem); line-height: 1; font-weight: normal; letter-spacing: -.02em; white-space: nowrap; }
.headline span { color: var(--soft); max-width: 24rem; }
.protocol { margin: 1rem 0 0; max-width: 44rem; }
.protocol b { color: var(--accent); font-weight: normal; font-style: italic; }
h2 { font-size: 1.3rem; font-weight: normal; font-style: italic; margin: 2.75rem 0 .75rem; line-height: 1.25; }
h3 { font-size: 1.0625rem; font-weight: normal; margin: 1.5rem 0 .5rem; }
p { margin: .5rem 0; max-width: 44rem; }
.note, figcaption, .picture-pair figcaption { color: var(--soft); font-size: .9rem; line-height: 1.4; }
.warning { border-left: 3px solid var(--accent); background: var(--wash); padding: .6rem .9rem; margin: 1.25rem 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: 1rem 1.5rem; margin: 1.5rem 0 0; }
.figures div { border-top: 1px solid var(--rule); padding-top: .5rem; }
.figures dt { color: var(--soft); font-size: .9rem; line-height: 1.3; }
.figures dd { margin: 0; font-size: 1.45rem; line-height: 1.3; }
.figures small { display: block; font-size: .85rem; color: var(--soft); }
.tables, .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1.5rem 2.5rem; align-items: start; }
table { border-collapse: collapse; width: 100%; font-size: 1rem; }
caption { text-align: left; color: var(--soft); font-size: .9rem; padding-bottom: .35rem; }
th { font-weight: normal; color: var(--soft); text-align: left; font-size: .9rem; }
thead th { border-bottom: 1px solid var(--ink); }
th, td { padding: .22rem .9rem .22rem 0; vertical-align: baseline; }
th:last-child, td:last-child { padding-right: 0; }
td.n, th.n { text-align: right; white-space: nowrap; }
tbody tr { border-bottom: 1px solid var(--rule); }
tfoot td, tfoot th { border-top: 1px solid var(--ink); color: var(--ink); font-size: 1rem; }
td:first-child, th:first-child { white-space: nowrap; }
td.absent { color: var(--soft); font-size: .9rem; white-space: normal; }
td.long { overflow-wrap: anywhere; font-size: .95rem; }
.wide { overflow-x: auto; margin: .75rem 0; }
.wide table { width: auto; min-width: 100%; }
.wide td.n, .wide th.n { padding-right: .7rem; }
.wide td:last-child, .wide th:last-child { padding-right: 0; }
td.strong { color: var(--accent); }
.interval { display: block; width: 9rem; height: 1.1rem; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; padding: 0; margin: .75rem 0 1rem; list-style: none; font-size: .9rem; }
.legend li { display: flex; align-items: center; gap: .4rem; overflow-wrap: anywhere; }
.legend li svg { flex: none; width: 1.9rem; height: .6rem; }
.answers { padding-left: 1.1rem; margin: .5rem 0; max-width: 44rem; }
.answers li { margin: .35rem 0; overflow-wrap: anywhere; }
figure { margin: 0; break-inside: avoid; }
.charts svg { display: block; width: 100%; height: auto; max-width: 34rem; }
.picture-pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5rem, 1fr)); gap: 1.25rem 1rem; padding: 0; margin: .75rem 0; list-style: none; }
.picture-pair .two { display: grid; grid-template-columns: 1fr 1fr; gap: 3px; }
.picture-pair img { width: 100%; height: auto; display: block; background: var(--wash); }
.picture-pair figcaption { margin-top: .3rem; font-size: .82rem; overflow-wrap: anywhere; }
.picture-pair figcaption b { color: var(--ink); font-weight: normal; font-size: .95rem; }
ul.missing { columns: 18rem; font-size: .9rem; padding-left: 1.1rem; overflow-wrap: anywhere; }
footer { margin-top: 3rem; border-top: 3px double var(--rule); padding-top: 1rem; color: var(--soft); font-size: .9rem; }
@media (max-width: 30rem) {
  body { padding: 1.5rem 1rem 3rem; font-size: 1rem; }
  .picture-pairs { grid-template-columns: repeat(2, 1fr); }
}
@media print {
  @page { margin: 18mm 16mm; }
  html { background: none; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  .headline strong { font-size: 44pt; }
  .tables, .charts { grid-template-columns: 1fr 1fr; }
  .wide { overflow-x: visible; }
  .picture-pairs { grid-template-columns: repeat(5, 1fr); }
  h2, h3, caption { break-after: avoid; }
  tr, figure, li { break-inside: avoid; }
}
`;
