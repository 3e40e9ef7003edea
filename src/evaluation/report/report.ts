// The report page: one HTML text with its style, charts and pictures inside, readable without script or network.
import type { Evaluation, EvaluationNumbers } from '../evaluate.js';
import type { IdentificationNumbers } from '../identification.js';
import type { Interval } from '../metrics/index.js';
import type { MissingPair } from '../pairs/index.js';
import { percent } from './chart.js';
import { detChart, histogramChart, rocChart, thresholdChart } from './charts.js';
import { Html, html, type Piece } from './html.js';
import { count, type Facts, factsTable, renderPage } from './page.js';

/** A wrongly decided pair with its two pictures. */
export interface PicturedPair {
  readonly a: string;
  readonly b: string;
  readonly score: number;
  readonly threshold: number;
  /** The two pictures as `data:` addresses. */
  readonly pictures: readonly [string, string];
}

/** Everything that a report shows. */
export interface ReportContent {
  /** The model's name, a headline. */
  readonly model: string;
  readonly evaluation: Evaluation;
  readonly identification?: IdentificationNumbers;
  /** All pairs of the pair file; those that could not be used are `missing`. */
  readonly pairs: number;
  readonly missing: readonly MissingPair[];
  /** The worst first. How many there were in all is counted from the evaluation. */
  readonly falseAccepts: readonly PicturedPair[];
  readonly falseRejects: readonly PicturedPair[];
  readonly modelFacts: Facts;
  readonly dataFacts: Facts;
  readonly packageVersion: string;
}

/** Renders the page. */
export function renderReport(content: ReportContent): string {
  const { evaluation, model, missing, pairs } = content;
  const { numbers } = evaluation;
  return renderPage({
    title: `${model}: ${share(numbers.accuracy.mean)} (${numbers.protocol})`,
    header: html`<h1>Face verification</h1>
      <p class="model">${model}</p>
      <p class="headline">
        <strong>${share(numbers.accuracy.mean)}</strong>
        <span>${spread(numbers)}</span>
      </p>
      <p class="protocol"><b>${numbers.protocol}.</b> ${numbers.description}</p>
      ${missing.length > 0 && usedNotice(pairs, missing.length)} ${keyFigures(numbers, pairs)}`,
    main: html`${tables(numbers)} ${charts(evaluation)}
      ${content.identification !== undefined && identificationSection(content.identification)} ${mistakes(content)}
      ${missing.length > 0 && missingSection(missing)}
      <section>
        <h2>What was evaluated</h2>
        <div class="tables">
          ${factsTable('The model', content.modelFacts)} ${factsTable('The pictures and pairs', content.dataFacts)}
        </div>
      </section>`,
    footer: footnotes(numbers, content.packageVersion),
  });
}

function share(value: number, digits = 2): string {
  return `${(value * 100).toFixed(digits)} %`;
}

function range({ low, high }: Interval): string {
  return `${(low * 100).toFixed(2)}–${(high * 100).toFixed(2)} %`;
}

function spread({ accuracy, folds, bootstrap }: EvaluationNumbers): string {
  const parts: string[] = [];
  if (accuracy.standardError !== null && accuracy.std !== null) {
    parts.push(
      `± ${(accuracy.standardError * 100).toFixed(2)} standard error of the mean of ${folds.length} folds ` +
        `(standard deviation ${(accuracy.std * 100).toFixed(2)})`,
    );
  }
  if (accuracy.interval !== null && bootstrap !== null) {
    parts.push(`${bootstrap.level * 100} % interval ${range(accuracy.interval)}`);
  }
  return parts.length === 0 ? 'accuracy' : `accuracy; ${parts.join('; ')}`;
}

function usedNotice(pairs: number, missing: number): Html {
  return html`<p class="warning">
    ${count(pairs - missing)} of ${count(pairs)} pairs were used: for ${count(missing)} an image was missing or
    unreadable. The figures are not those of the whole list.
  </p>`;
}

function keyFigures(numbers: EvaluationNumbers, pairs: number): Html {
  const intervals = numbers.bootstrap?.intervals;
  const strictest = Object.entries(numbers.tarAtFar).at(-1);
  const figure = (name: string, value: string, interval?: Interval, digits?: (i: Interval) => string): Html =>
    html`<div>
      <dt>${name}</dt>
      <dd>${value}${interval !== undefined && html`<small>${(digits ?? range)(interval)}</small>`}</dd>
    </div>`;
  const plain = ({ low, high }: Interval): string => `${low.toFixed(4)}–${high.toFixed(4)}`;
  return html`<dl class="figures">
    ${figure('area under the ROC', numbers.auc.toFixed(5), intervals?.auc, plain)}
    ${figure('equal error rate', share(numbers.eer), intervals?.eer)}
    ${
      strictest !== undefined &&
      figure(
        `true accepts at ${percent(Number(strictest[0]))} false accepts`,
        share(strictest[1]),
        intervals?.[`tarAtFar ${strictest[0]}`],
      )
    }
    <div>
      <dt>pairs used</dt>
      <dd>
        ${count(numbers.matched + numbers.mismatched)}<small
          >of ${count(pairs)}: ${count(numbers.matched)} matched, ${count(numbers.mismatched)} mismatched</small
        >
      </dd>
    </div>
  </dl>`;
}

function tables(numbers: EvaluationNumbers): Html {
  return html`<section>
    <h2>Accuracy and error rates</h2>
    <div class="tables">${foldTable(numbers)} ${rateTable(numbers)}</div>
  </section>`;
}

function foldTable({ folds, foldSource, accuracy, scores }: EvaluationNumbers): Html {
  const source = foldSource === 'none' ? '' : `, folds by ${foldSource === 'pair file' ? 'the pair file' : foldSource}`;
  return html`<table class="folds">
    <caption>
      Accuracy on ${scores.accuracy}${source}
    </caption>
    <thead>
      <tr>
        <th scope="col">fold</th>
        <th scope="col" class="n">pairs</th>
        <th scope="col" class="n">accuracy</th>
        <th scope="col" class="n">threshold</th>
      </tr>
    </thead>
    <tbody>
      ${folds.map(
        (fold, i) =>
          html`<tr>
            <td>${i + 1}</td>
            <td class="n">${count(fold.pairs)}</td>
            <td class="n">${share(fold.accuracy)}</td>
            <td class="n">${fold.threshold.toFixed(4)}</td>
          </tr>`,
      )}
    </tbody>
    ${
      folds.length > 1 &&
      html`<tfoot>
        <tr>
          <th scope="row">mean</th>
          <td></td>
          <td class="n">${share(accuracy.mean)}</td>
          <td class="n">${meanThreshold(folds).toFixed(4)}</td>
        </tr>
      </tfoot>`
    }
  </table>`;
}

function meanThreshold(folds: EvaluationNumbers['folds']): number {
  return folds.reduce((sum, fold) => sum + fold.threshold, 0) / folds.length;
}

function rateTable(numbers: EvaluationNumbers): Html {
  const intervals = numbers.bootstrap?.intervals;
  return ratesTable(
    'True-accept rate at a false-accept rate, on plain cosine',
    ['false accepts', 'true accepts', intervals === undefined ? undefined : 'interval'],
    Object.entries(numbers.tarAtFar).map(([rate, value]) => [rate, value, intervals?.[`tarAtFar ${rate}`]]),
    numbers.tarAtFarUnsupported,
  );
}

/** A table of rates, those that the data cannot tell at its end with the reason. */
function ratesTable(
  title: string,
  columns: readonly [string, string, string | undefined],
  rates: readonly (readonly [rate: string, value: number, interval: Interval | undefined])[],
  unsupported: Readonly<Record<string, string>>,
): Html {
  const [first, second, third] = columns;
  return html`<table class="rates">
    <caption>
      ${title}
    </caption>
    <thead>
      <tr>
        <th scope="col">${first}</th>
        <th scope="col" class="n">${second}</th>
        ${third !== undefined && html`<th scope="col" class="n">${third}</th>`}
      </tr>
    </thead>
    <tbody>
      ${rates.map(
        ([rate, value, interval]) =>
          html`<tr>
            <td>${percent(Number(rate))}</td>
            <td class="n">${share(value)}</td>
            ${third !== undefined && html`<td class="n">${interval !== undefined && range(interval)}</td>`}
          </tr>`,
      )}
      ${Object.entries(unsupported).map(
        ([rate, reason]) =>
          html`<tr>
            <td>${percent(Number(rate))}</td>
            <td class="absent" colspan="${third === undefined ? 1 : 2}">not told: ${spaced(reason)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** Thousands separators for the numbers in a sentence. */
function spaced(sentence: string): string {
  return sentence.replace(/\d{4,}/g, (digits) => count(Number(digits)));
}

function charts({ numbers, curve, outcome, same }: Evaluation): Html {
  const threshold = meanThreshold(numbers.folds);
  const det = detChart(curve);
  const label = numbers.folds.length > 1 ? 'mean of the folds’ thresholds' : 'threshold';
  return html`<section>
    <h2>Curves and scores</h2>
    <div class="charts">
      <figure id="roc">
        ${new Html(rocChart(curve))}
        <figcaption>
          ROC on plain cosine. The curve begins at one false accept among ${count(curve.mismatched)}.
        </figcaption>
      </figure>
      <figure id="det">
        ${
          det === undefined
            ? html`<p class="note">
                No DET curve: no false-accept rate that these pairs can tell leaves a false reject.
              </p>`
            : html`${new Html(det)}
                <figcaption>
                  DET: both error rates on normal-deviate axes; lower and further left is better.
                </figcaption>`
        }
      </figure>
      <figure id="scores">
        ${new Html(histogramChart(outcome.scores, same, threshold))}
        <figcaption>Scores (${numbers.scores.accuracy}) of both kinds of pairs, and the ${label}.</figcaption>
      </figure>
      <figure id="threshold">
        ${new Html(thresholdChart(curve))}
        <figcaption>Both error rates on plain cosine as the threshold moves.</figcaption>
      </figure>
    </div>
  </section>`;
}

function identificationSection(numbers: IdentificationNumbers): Html {
  return html`<section id="identification">
    <h2>Identification</h2>
    <p>
      ${count(numbers.probesWithMate + numbers.strangers)} probes against ${count(numbers.galleryImages)} pictures of
      ${count(numbers.galleryIdentities)} identities: ${count(numbers.probesWithMate)} probes have a mate in the
      gallery, ${count(numbers.strangers)} are strangers. Ties count against the right identity.
    </p>
    <div class="tables">
      <table>
        <caption>
          Closed set: the right identity is among the first
        </caption>
        <thead>
          <tr>
            <th scope="col">rank</th>
            <th scope="col" class="n">probes</th>
          </tr>
        </thead>
        <tbody>
          ${Object.entries(numbers.rankRates).map(
            ([rank, value]) =>
              html`<tr>
                <td>${rank}</td>
                <td class="n">${share(value)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
      ${ratesTable(
        'Open set: first and above the threshold (TPIR) while strangers are named at a rate (FPIR)',
        ['FPIR', 'TPIR', undefined],
        Object.entries(numbers.tpirAtFpir).map(([rate, value]) => [rate, value, undefined]),
        numbers.tpirAtFpirUnsupported,
      )}
    </div>
  </section>`;
}

function mistakes({ evaluation, falseAccepts, falseRejects }: ReportContent): Html {
  const { outcome, same } = evaluation;
  const wrong = [0, 0];
  outcome.correct.forEach((right, pair) => (wrong[same[pair]] += 1 - right));
  return html`<section id="mistakes">
    <h2>The worst mistakes</h2>
    ${pairGrid('false-accepts', `False accepts: different people above the threshold (${count(wrong[0])})`, falseAccepts)}
    ${pairGrid('false-rejects', `False rejects: the same person at or below the threshold (${count(wrong[1])})`, falseRejects)}
  </section>`;
}

function pairGrid(id: string, title: string, pairs: readonly PicturedPair[]): Html {
  return html`<h3>${title}</h3>
    ${
      pairs.length === 0
        ? html`<p class="note">None.</p>`
        : html`<ul class="picture-pairs" id="${id}">
            ${pairs.map(
              (pair) =>
                html`<li>
                  <figure class="picture-pair">
                    <div class="two">
                      <img src="${pair.pictures[0]}" alt="${pair.a}" /><img src="${pair.pictures[1]}" alt="${pair.b}" />
                    </div>
                    <figcaption>
                      <b>${pair.score.toFixed(3)}</b> against ${pair.threshold.toFixed(3)}<br />${breakable(pair.a)}<br />${breakable(pair.b)}
                    </figcaption>
                  </figure>
                </li>`,
            )}
          </ul>`
    }`;
}

/** A path that may be broken after its slashes and underscores. */
function breakable(path: string): Piece {
  return path.split(/(?<=[/_])/).map((part, i) => [i > 0 && html`<wbr />`, part]);
}

/** How many missing pairs the page lists; `result.json` lists all. */
const listedMissing = 60;

function missingSection(missing: readonly MissingPair[]): Html {
  const rest = missing.length - listedMissing;
  return html`<section id="missing">
    <h2>Pairs that could not be used</h2>
    <ul class="missing">
      ${missing.slice(0, listedMissing).map(({ line, a, b, reason }) => html`<li>line ${line}: ${a}, ${b}: ${reason}</li>`)}
    </ul>
    ${rest > 0 && html`<p class="note">And ${count(rest)} more, all in result.json.</p>`}
  </section>`;
}

function footnotes({ bootstrap }: EvaluationNumbers, version: string): Piece {
  return html`<p>
      A pair is taken for the same person if its similarity is above the threshold. Counts are exact and ties are never
      split; everything is computed in double precision.
      ${
        bootstrap !== null &&
        `Intervals hold the middle ${bootstrap.level * 100} % of ${count(bootstrap.replicates)} resamples of the pairs ` +
          `(seed ${bootstrap.seed}), thresholds held fixed; pairs that share people make them somewhat too narrow.`
      }
    </p>
    <p>sphereface-plus ${version}. The numbers are in result.json beside this page.</p>`;
}
