// The page of a fine-tune: the model before and after, on the same pairs of people that it was not trained on.
import type { EvaluationNumbers } from '../evaluate.js';
import type { Interval } from '../metrics/index.js';
import { percent } from './chart.js';
import { type Html, html } from './html.js';
import { count, renderPage } from './page.js';

/** A model that was evaluated. */
export interface ComparedModel {
  readonly title: string;
  readonly numbers: EvaluationNumbers;
  /** Where its own report is, from the page. */
  readonly link: string;
}

/** Everything that the page shows. */
export interface BeforeAndAfter {
  readonly model: string;
  readonly recipe: string;
  /** The one before first, the one after last. */
  readonly models: readonly ComparedModel[];
  /** Of the accuracies, after minus before. */
  readonly difference: { readonly mean: number; readonly interval: Interval };
  /** Of all intervals. */
  readonly level: number;
  readonly packageVersion: string;
}

/** Renders the page. */
export function renderBeforeAndAfter(content: BeforeAndAfter): string {
  const { model, recipe, models, difference, level } = content;
  const [before, after] = [models[0].numbers, models[models.length - 1].numbers];
  const { low, high } = difference.interval;
  return renderPage({
    title: `${model}, fine-tuned: ${points(difference.mean)}`,
    header: html`<h1>Before and after a fine-tune</h1>
      <p class="model">${model}, by the recipe ${recipe}</p>
      <p class="headline">
        <strong>${points(difference.mean)}</strong>
        <span
          >of accuracy on people not trained on; ${level * 100} % interval ${points(low)} to ${points(high)}:
          ${verdict(difference.interval)}</span
        >
      </p>
      <p class="protocol"><b>${after.protocol}.</b> ${after.description}</p>
      <dl class="figures">
        ${models.map(
          ({ title, numbers: { accuracy } }) =>
            html`<div>
              <dt>accuracy ${title}</dt>
              <dd>
                ${share(accuracy.mean)}${accuracy.interval !== null && html`<small>${range(accuracy.interval)}</small>`}
              </dd>
            </div>`,
        )}
        <div>
          <dt>pairs</dt>
          <dd>
            ${count(before.matched + before.mismatched)}<small
              >${count(before.matched)} matched, ${count(before.mismatched)} mismatched</small
            >
          </dd>
        </div>
      </dl>`,
    main: html`<section>
      <h2>The same pairs, decided by each</h2>
      ${table(models, level)}
      <p class="note">
        Intervals are bootstrap percentiles over pairs. That of the difference compares both models pair by pair, so
        that it is narrower than their own intervals suggest.
      </p>
    </section>`,
    footer: html`sphereface-plus ${content.packageVersion}. The numbers of this page are in
      <a href="result.json">result.json</a>.`,
  });
}

function table(models: readonly ComparedModel[], level: number): Html {
  const [{ numbers: first }] = models;
  const rows: readonly (readonly [string, (of: EvaluationNumbers) => string, (of: EvaluationNumbers) => string])[] = [
    ['accuracy', ({ accuracy }) => share(accuracy.mean), ({ accuracy }) => optional(accuracy.interval)],
    ['equal error rate', ({ eer }) => share(eer), ({ bootstrap }) => optional(bootstrap?.intervals.eer)],
    ['area under the ROC', ({ auc }) => share(auc, 3), ({ bootstrap }) => optional(bootstrap?.intervals.auc)],
    ...Object.keys(first.tarAtFar).map(
      (rate) =>
        [
          `true accepts at ${percent(Number(rate))} false ones`,
          ({ tarAtFar }: EvaluationNumbers) => share(tarAtFar[rate]),
          ({ bootstrap }: EvaluationNumbers) => optional(bootstrap?.intervals[`tarAtFar ${rate}`]),
        ] as const,
    ),
  ];
  return html`<table>
    <caption>
      With ${level * 100} % intervals
    </caption>
    <thead>
      <tr>
        <th scope="col"></th>
        ${models.map(({ title, link }) => html`<th scope="col" class="n"><a href="${link}">${title}</a></th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        ([name, value, interval]) =>
          html`<tr>
            <th scope="row">${name}</th>
            ${models.map(({ numbers }) => html`<td class="n">${value(numbers)}<br /><small>${interval(numbers)}</small></td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function verdict({ low, high }: Interval): string {
  if (low > 0) return 'better than before.';
  return high < 0 ? 'worse than before.' : 'no difference that these pairs could tell.';
}

function share(value: number, digits = 2): string {
  return `${(value * 100).toFixed(digits)} %`;
}

function range({ low, high }: Interval): string {
  return `${(low * 100).toFixed(2)}–${(high * 100).toFixed(2)} %`;
}

function optional(interval: Interval | null | undefined): string {
  return interval == null ? '' : range(interval);
}

/** A signed difference of shares. */
function points(difference: number): string {
  const sign = difference < 0 ? '−' : '+';
  return `${sign}${(Math.abs(difference) * 100).toFixed(2)} points`;
}
