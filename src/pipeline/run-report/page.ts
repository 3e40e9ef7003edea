// The page of a run: its training curves, and what it was trained on and how.
import { packageVersion } from '../../common/version.js';
import { curveLegend, curvesChart } from '../../evaluation/report/curves.js';
import { html, type Piece } from '../../evaluation/report/html.js';
import { count, factsTable, renderPage } from '../../evaluation/report/page.js';
import type { LogLine, Recipe } from '../../training/index.js';
import type { RunRecord } from '../../training/run-record.js';
import { type LogChart, pointsOf, runCharts } from './log-curves.js';

export interface RunContent {
  readonly recipe: Recipe;
  readonly record: Pick<RunRecord, 'images' | 'identities' | 'init'>;
  /** One at least. */
  readonly lines: readonly LogLine[];
}

export function renderRun({ recipe, record, lines }: RunContent): string {
  const last = lines.at(-1)!;
  const { solver, loss, network } = recipe;
  const energy = loss.energy === null ? 'none' : settingsText(loss.energy);
  return renderPage({
    title: `${recipe.name}: iteration ${last.iteration} of ${solver.iterations}`,
    header: html`<h1>Training run</h1>
      <p class="model">${recipe.name}</p>
      ${recipe.description !== '' && html`<p>${recipe.description}</p>`}
      <p class="headline">
        <strong>${last.loss.toFixed(3)}</strong>
        <span
          >loss at iteration ${count(last.iteration)} of ${count(solver.iterations)};
          ${(100 * last.accuracy).toFixed(1)} % of the training images nearest to their own classifier</span
        >
      </p>`,
    main: html`<section>
        <h2>Curves</h2>
        <div class="charts">${runCharts.map((chart) => chartOf(chart, lines))}</div>
      </section>
      <section>
        <h2>What was trained</h2>
        <div class="tables">
          ${factsTable('The recipe', [
            ['network', settingsText(network)],
            ['margin', settingsText(loss.margin)],
            ['energy', energy],
            ['batch', `${solver.batchSize} images, ${solver.iterSize} a step`],
            ['learning rate', `${solver.baseLearningRate}, ${settingsText(solver.schedule)}`],
            ['seed', String(recipe.seed)],
          ])}
          ${factsTable('The data', [
            ['images', count(record.images)],
            ['identities', count(typeof record.identities === 'number' ? record.identities : record.identities.length)],
            ['start', record.init === null ? 'from scratch' : record.init.replace(/^.*[\\/]/, '')],
            ['epochs', last.epoch.toFixed(2)],
          ])}
        </div>
      </section>`,
    footer: html`<p>sphereface-plus ${packageVersion}. The numbers are in log.jsonl of the run.</p>`,
  });
}

function chartOf({ name, axis, caption, scale, curves }: LogChart, lines: readonly LogLine[]): Piece {
  const drawn = curves.flatMap((curve) => {
    const points = pointsOf(lines, curve.of, scale);
    return points.length === 0 ? [] : [{ name: curve.name, points }];
  });
  if (drawn.length === 0) return undefined;
  const description = `${name} over ${lines.length} logged iterations`;
  return html`<figure>
    ${curvesChart(drawn, { x: 'iteration', y: axis, description, yScale: scale })}
    ${drawn.length > 1 && curveLegend(drawn.map((curve) => curve.name))}
    <figcaption>${caption}</figcaption>
  </figure>`;
}

/** Settings in a line: `a-softmax, m 4, lambda (base 5, minimum 5)`. */
function settingsText(settings: object): string {
  return Object.entries(settings as Readonly<Record<string, unknown>>)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => {
      const text =
        typeof value !== 'object' || value === null
          ? String(value)
          : Array.isArray(value)
            ? value.join(' ')
            : `(${settingsText(value)})`;
      return key === 'type' || key === 'form' ? text : `${key} ${text}`;
    })
    .join(', ');
}
