// The page of a run's snapshots: accuracy over iterations.
import { type Protocol, protocolDescriptions } from '../../evaluation/index.js';
import { curvesChart, figure } from '../../evaluation/report/curves.js';
import { html } from '../../evaluation/report/html.js';
import { count, renderPage } from '../../evaluation/report/page.js';

/** What is known of one snapshot. */
export interface SnapshotNumbers {
  readonly iteration: number;
  readonly accuracy: number;
  readonly auc: number;
  readonly eer: number;
}

/** What `result.json` of the report holds. */
export interface SnapshotsResult {
  readonly recipe: string;
  readonly protocol: Protocol;
  readonly pairs: number;
  readonly used: number;
  readonly snapshots: readonly SnapshotNumbers[];
  readonly best: SnapshotNumbers;
  readonly packageVersion: string;
}

export function renderSnapshots({
  recipe,
  protocol,
  pairs,
  used,
  snapshots,
  best,
  packageVersion,
}: SnapshotsResult): string {
  const chart = (name: string, of: (snapshot: (typeof snapshots)[number]) => number) =>
    figure(
      curvesChart([{ points: snapshots.map((snapshot) => [snapshot.iteration, 100 * of(snapshot)]) }], {
        x: 'iteration',
        y: `${name}, %`,
        description: `${name} of ${snapshots.length} snapshots over iterations`,
      }),
      `${name[0].toUpperCase()}${name.slice(1)} over iterations.`,
    );
  const share = (value: number): string => `${(100 * value).toFixed(2)} %`;
  return renderPage({
    title: `${recipe}: ${snapshots.length} snapshots`,
    header: html`<h1>Snapshots of a run</h1>
      <p class="model">${recipe}</p>
      <p class="headline">
        <strong>${share(best.accuracy)}</strong>
        <span>the best of ${snapshots.length}, at iteration ${count(best.iteration)}</span>
      </p>
      <p class="protocol"><b>${protocol}.</b> ${protocolDescriptions[protocol]}</p>
      ${
        snapshots.length > 1 &&
        html`<p class="warning">
          The best of several on these pairs is better than it will be on others. Choose on pairs of their own, and
          report the chosen one on pairs that had no part in the choice.
        </p>`
      }`,
    main: html`<section>
        <h2>Over iterations</h2>
        <div class="charts">
          ${chart('accuracy', ({ accuracy }) => accuracy)} ${chart('equal error rate', ({ eer }) => eer)}
        </div>
      </section>
      <section>
        <h2>Every snapshot</h2>
        <table>
          <caption>
            ${count(used)} of ${count(pairs)} pairs used
          </caption>
          <thead>
            <tr>
              <th scope="col">iteration</th>
              <th scope="col" class="n">accuracy</th>
              <th scope="col" class="n">AUC</th>
              <th scope="col" class="n">EER</th>
            </tr>
          </thead>
          <tbody>
            ${snapshots.map(
              ({ iteration, accuracy, auc, eer }) =>
                html`<tr>
                  <td>${count(iteration)}</td>
                  <td class="n ${iteration === best.iteration && 'strong'}">${share(accuracy)}</td>
                  <td class="n">${auc.toFixed(5)}</td>
                  <td class="n">${share(eer)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </section>`,
    footer: html`<p>sphereface-plus ${packageVersion}. The numbers are in result.json beside this page.</p>`,
  });
}
