// The page of a study: its answers, the published form of table, and what lies behind them as curves.
import { lineOf } from '../../common/errors.js';
import { curveLegend, curvesChart, type Curve, figure, mostCurves } from '../../evaluation/report/curves.js';
import { type Html, html, type Piece } from '../../evaluation/report/html.js';
import { count, factsTable, renderPage } from '../../evaluation/report/page.js';
import { comparedCharts, pointsOf } from '../run-report/log-curves.js';
import type { Question } from './arms.js';
import { answersTo, methodOf, points, verdictOf } from './sentences.js';
import type { ArmSummary, CellResult, ComparisonSummary, QuestionSummary, StudySummary } from './summary.js';

export function renderStudy(
  summary: StudySummary,
  results: readonly CellResult[],
  questions: readonly Question[],
): string {
  const { name, description, cells } = summary;
  const judged = cells.filter(({ status }) => status === 'judged').length;
  return renderPage({
    title: `${name}: ${judged} of ${cells.length} cells`,
    header: html`<h1>Study</h1>
      <p class="model">${name}</p>
      ${description !== '' && html`<p>${description}</p>`}
      <p class="headline">
        <strong>${judged}</strong>
        <span
          >of ${cells.length} cells judged${judged < cells.length && '; what follows is what they show so far'}</span
        >
      </p>`,
    main: html`${summary.questions.length > 0 && answers(summary)} ${armsTable(summary.arms)}
    ${groupsOf(summary, questions).map((group) => curves(group, results))} ${unfinished(summary)} ${facts(summary)}`,
    footer: footnotes(summary),
  });
}

function answers({ questions, bootstrap }: StudySummary): Html {
  return html`<section id="answers">
    <h2>Answers</h2>
    ${questions.map((question) => {
      const sentences = answersTo(question, bootstrap.level);
      return html`<h3>${question.ask}</h3>
        ${
          sentences.length === 0
            ? html`<p class="note">No seed of both sides is judged yet.</p>`
            : html`<ul class="answers">
                ${sentences.map((sentence) => html`<li>${sentence}</li>`)}
              </ul>`
        }
        ${question.comparisons.length > 0 && comparisonsTable(question)}`;
    })}
  </section>`;
}

function comparisonsTable({ comparisons, against }: QuestionSummary): Html {
  const extent = Math.max(...comparisons.flatMap(({ interval }) => [Math.abs(interval.low), Math.abs(interval.high)]));
  return html`<div class="wide">
    <table>
      <caption>
        Accuracy minus that of ${against}, points
      </caption>
      <thead>
        <tr>
          <th scope="col">arm</th>
          <th scope="col" class="n">seeds</th>
          <th scope="col" class="n">difference</th>
          <th scope="col" class="n">interval</th>
          <th scope="col"></th>
          <th scope="col" class="n">p</th>
          <th scope="col" class="n">p, Holm</th>
        </tr>
      </thead>
      <tbody>
        ${comparisons.map((comparison) => {
          const { arm, seeds, difference, interval, probability, adjusted } = comparison;
          const shown = verdictOf(comparison) === 'no effect shown' ? '' : 'strong';
          return html`<tr>
            <td>${arm}</td>
            <td class="n">${seeds.length}</td>
            <td class="n ${shown}">${points(difference)}</td>
            <td class="n">${points(interval.low)} to ${points(interval.high)}</td>
            <td>${intervalMark(comparison, extent)}</td>
            <td class="n">${probability.toFixed(3)}</td>
            <td class="n">${adjusted.toFixed(3)}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </div>`;
}

/** The interval as a line, the difference as a point, and zero as a rule. */
function intervalMark({ difference, interval }: ComparisonSummary, extent: number): Html {
  const at = (value: number): string => (70 + (extent === 0 ? 0 : (value / extent) * 64)).toFixed(1);
  return html`<svg class="interval" viewBox="0 0 140 16" aria-hidden="true">
    <line x1="70" y1="0" x2="70" y2="16" stroke="#8a8478" />
    <line x1="${at(interval.low)}" y1="8" x2="${at(interval.high)}" y2="8" stroke="#1d5a8c" stroke-width="2" />
    <circle cx="${at(difference)}" cy="8" r="3.5" fill="#1d5a8c" />
  </svg>`;
}

/** The published form of table: Experiment #1 … #n, their mean, standard deviation, and the best. A seed without a result is an empty place. */
function armsTable(arms: readonly ArmSummary[]): Html {
  const columns = [...new Set(arms.flatMap(({ wanted }) => wanted))].sort((a, b) => a - b);
  return html`<section id="experiments">
    <h2>Every experiment</h2>
    <div class="wide">
      <table>
        <caption>
          Accuracy on the test pairs, %. The columns are seeds; a place is empty where there is no result (yet).
        </caption>
        <thead>
          <tr>
            <th scope="col">experiment</th>
            ${columns.map((seed) => html`<th scope="col" class="n">#${seed}</th>`)}
            <th scope="col" class="n">mean</th>
            <th scope="col" class="n">s.d.</th>
            <th scope="col" class="n">best</th>
          </tr>
        </thead>
        <tbody>
          ${arms.map(
            ({ name, seeds, accuracies, mean, standardDeviation, best }) =>
              html`<tr>
                <td>${name}</td>
                ${columns.map((seed) => html`<td class="n">${percentText(accuracies[seeds.indexOf(seed)])}</td>`)}
                <td class="n strong">${percentText(mean)}</td>
                <td class="n">${percentText(standardDeviation)}</td>
                <td class="n">${percentText(best)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    <p class="note">
      The best of several is better than the next run will be: compare means. The standard deviation is over seeds (n −
      1).
    </p>
  </section>`;
}

function percentText(share: number | null | undefined): string {
  return share === null || share === undefined ? '' : (100 * share).toFixed(2);
}

/** Arms that are drawn together. */
interface Group {
  readonly title: string;
  readonly arms: readonly string[];
}

/** The arms of each question together; without questions, all, as many as can be told apart. */
function groupsOf({ arms }: StudySummary, questions: readonly Question[]): Group[] {
  if (questions.length > 0) {
    return questions.map(({ ask, against, arms: others }) => ({
      title: ask,
      arms: [...new Set([against, ...others])].slice(0, mostCurves),
    }));
  }
  const names = arms.map(({ name }) => name);
  return Array.from({ length: Math.ceil(names.length / mostCurves) }, (_, i) => ({
    title: 'Curves',
    arms: names.slice(i * mostCurves, (i + 1) * mostCurves),
  }));
}

function curves({ title, arms }: Group, results: readonly CellResult[]): Piece {
  const ofArm = arms.map((arm) => results.filter(({ cell }) => cell.arm === arm));
  const charts = [
    ...comparedCharts.map(({ name, axis, caption, scale, curves: [{ of }] }) =>
      chart(ofArm, ({ lines }) => pointsOf(lines, of, scale), {
        x: 'iteration',
        y: axis,
        name,
        caption,
        yScale: scale,
      }),
    ),
    chart(
      ofArm,
      ({ validation }) =>
        [...(validation?.snapshots ?? [])]
          .sort((a, b) => a.iteration - b.iteration)
          .map(({ iteration, accuracy }) => [iteration, 100 * accuracy]),
      {
        x: 'iteration',
        y: 'accuracy, %',
        name: 'validation accuracy',
        caption: 'Accuracy of the snapshots on the validation pairs, which they are chosen by.',
      },
    ),
    chart(ofArm, ({ judgement }) => (judgement?.roc ?? []).map(([far, tar]) => [far, tar]), {
      x: 'false-accept rate',
      y: 'true-accept rate',
      name: 'ROC',
      caption: 'ROC of the chosen snapshots on the test pairs, plain cosine; mean over seeds.',
      xScale: 'log',
      yRange: [0, 1],
    }),
  ].filter((one) => one !== undefined);
  if (charts.length === 0) return undefined;
  return html`<section>
    <h2>${title}</h2>
    ${curveLegend(arms)}
    <div class="charts">${charts}</div>
    <p class="note">Lines are means over seeds, bands reach from the smallest to the largest.</p>
  </section>`;
}

interface ChartOptions {
  readonly x: string;
  readonly y: string;
  readonly name: string;
  readonly caption: string;
  readonly xScale?: 'value' | 'log';
  readonly yScale?: 'value' | 'log';
  readonly yRange?: readonly [number, number];
}

/** A chart with a curve for each arm; nothing where no cell has a point. */
function chart(
  arms: readonly (readonly CellResult[])[],
  of: (result: CellResult) => [number, number][],
  { name, caption, ...options }: ChartOptions,
): Html | undefined {
  const drawn = arms.map((results) => overSeeds(results.map(of)));
  if (drawn.every(({ points: of }) => of.length === 0)) return undefined;
  return figure(
    curvesChart(drawn, { ...options, description: `${name} of ${arms.length} arms, means over seeds` }),
    caption,
  );
}

/** The mean of several curves and what they lie between, where at least one has a point. */
function overSeeds(runs: readonly (readonly (readonly [number, number])[])[]): Curve {
  const at = new Map<number, number[]>();
  for (const run of runs) for (const [x, y] of run) at.set(x, [...(at.get(x) ?? []), y]);
  const sorted = [...at].sort(([a], [b]) => a - b);
  const line = sorted.map(([x, values]): [number, number] => [
    x,
    values.reduce((sum, y) => sum + y, 0) / values.length,
  ]);
  if (runs.filter((run) => run.length > 0).length < 2) return { points: line };
  return { points: line, band: sorted.map(([x, values]) => [x, Math.min(...values), Math.max(...values)]) };
}

function unfinished({ cells }: StudySummary): Piece {
  const open = cells.filter(({ status }) => status !== 'judged');
  if (open.length === 0) return undefined;
  const failed = open.filter(({ status }) => status === 'failed');
  const states = ['trained', 'begun', 'waiting'] as const;
  const counts = states.map((state) => [state, open.filter(({ status }) => status === state).length] as const);
  return html`<section id="unfinished">
    <h2>Not judged</h2>
    <p>
      ${[[failed.length ? 'failed' : '', failed.length] as const, ...counts]
        .filter(([, n]) => n > 0)
        .map(([state, n]) => `${n} ${state}`)
        .join(', ')}.
    </p>
    ${
      failed.length > 0 &&
      html`<ul class="answers">
        ${failed.map(({ name, error }) => html`<li>${name}: ${lineOf(error ?? '')}</li>`)}
      </ul>`
    }
  </section>`;
}

function facts(summary: StudySummary): Html {
  const { data, cells, arms } = summary;
  const seconds = cells.reduce((sum, cell) => sum + (cell.seconds ?? 0), 0);
  const versions = [...new Set(cells.flatMap(({ packageVersion }) => packageVersion ?? []))];
  return html`<section>
    <h2>How it was done</h2>
    <p>${methodOf(summary)}</p>
    <div class="tables">
      ${factsTable('The data', [
        ['trained on', `${count(data.images)} images of ${count(data.identities)} identities`],
        ['held out', data.heldOut === 0 ? 'nobody' : `${count(data.heldOut)} identities, for pairs`],
        ['pairs of the test', data.test.replace(/^.*[\\/]/, '')],
      ])}
      ${factsTable('The work', [
        ['arms', String(arms.length)],
        ['time', `${(seconds / 3600).toFixed(2)} h of training and evaluation in the judged cells`],
        ['judged by', versions.map((version) => `sphereface-plus ${version}`).join(', ')],
      ])}
    </div>
  </section>`;
}

function footnotes({ bootstrap, packageVersion }: StudySummary): Html {
  return html`<p>
      Intervals hold the middle ${bootstrap.level * 100} % of ${count(bootstrap.replicates)} resamples of seeds and of
      pairs, drawn apart (two-way bootstrap, seed ${bootstrap.seed}); pairs that share people make them somewhat too
      narrow. p is that of the two-sided sign-flip test of the differences per seed: with n seeds it cannot be below 2 /
      2ⁿ. Holm’s correction is over the arms of a question.
    </p>
    <p>sphereface-plus ${packageVersion}. The numbers are in study.json and study.csv beside this page.</p>`;
}
