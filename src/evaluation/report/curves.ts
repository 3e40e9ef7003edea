// Several curves over one axis, with bands where a curve is a mean; and the legend that goes with all charts of the same curves.
import type { CustomSeriesRenderItem } from 'echarts';
import { axis, colours, draw, power } from './chart.js';
import { Html, html } from './html.js';

/** One curve: its points, and between which values those that it is the mean of lie. */
export interface Curve {
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly band?: readonly (readonly [x: number, low: number, high: number])[];
}

export interface CurvesOptions {
  readonly x: string;
  readonly y: string;
  /** What the chart shows, for those who cannot see it. */
  readonly description: string;
  readonly xScale?: 'value' | 'log';
  readonly yScale?: 'value' | 'log';
  /** Where the vertical axis ends: 0 to 1 for shares. Else around the values. */
  readonly yRange?: readonly [low: number, high: number];
}

/** Colours and dashes of curves: neighbours differ in both. */
const strokes = [
  ['#1d5a8c', []],
  ['#c8641b', [6, 3]],
  ['#2f7d4f', [2, 2]],
  ['#8b1a2b', [9, 3, 2, 3]],
  ['#6b4c9a', []],
  ['#8a6d1a', [6, 3]],
  ['#3a8a99', [2, 2]],
  ['#5a5650', [9, 3, 2, 3]],
] as const satisfies readonly (readonly [string, readonly number[]])[];

/** How many curves can be told apart. */
export const mostCurves = strokes.length;

/** Draws the curves, of which one has a point at least; the k-th has the k-th colour of {@link curveLegend}. Curves without points leave their colour out. */
export function curvesChart(curves: readonly Curve[], options: CurvesOptions): Html {
  const { x, y, description, xScale = 'value', yScale = 'value', yRange } = options;
  const scale = (kind: 'value' | 'log') =>
    kind === 'log'
      ? { type: 'log', axisLabel: { fontSize: 13, color: colours.text, formatter: power } }
      : { type: 'value' };
  const all = curves.flatMap(({ points }) => points.map(([at]) => at));
  const series = curves.flatMap(({ points, band }, k) => {
    if (points.length === 0) return [];
    const [color, dashes] = strokes[k % strokes.length];
    const line = {
      type: 'line',
      showSymbol: points.length < 2,
      data: points,
      lineStyle: { color, width: 2, type: dashes.length === 0 ? 'solid' : dashes },
      itemStyle: { color },
    };
    return band === undefined ? [line] : [bandSeries(band, color), line];
  });
  return new Html(
    draw(
      {
        grid: { left: 66, right: 18, top: 18, bottom: 52 },
        xAxis: {
          ...axis(x, 30),
          splitLine: { show: false },
          ...(xScale === 'value' ? { min: 0, max: Math.max(...all) } : { min: decadeBelow(Math.min(...all)), max: 1 }),
          ...scale(xScale),
        },
        yAxis: {
          ...axis(y, 48),
          scale: true,
          splitNumber: 4,
          ...scale(yScale),
          ...(yRange && { min: yRange[0], max: yRange[1] }),
        },
        series,
      },
      description,
    ),
  );
}

/** Where a logarithmic axis begins: ticks are at powers of ten. */
function decadeBelow(value: number): number {
  return 10 ** Math.floor(Math.log10(value));
}

function bandSeries(band: NonNullable<Curve['band']>, color: string): Record<string, unknown> {
  const renderItem: CustomSeriesRenderItem = ({ dataIndex }, api) =>
    // One polygon for all points; the others are there so that the axes make room for them.
    dataIndex > 0
      ? { type: 'group', children: [] }
      : {
          type: 'polygon',
          shape: {
            points: [
              ...band.map(([x, low]) => api.coord([x, low])),
              ...band.toReversed().map(([x, , high]) => api.coord([x, high])),
            ],
          },
          style: { fill: color, opacity: 0.16 },
        };
  return {
    type: 'custom',
    silent: true,
    renderItem,
    data: band.flatMap(([x, low, high]) => [
      [x, low],
      [x, high],
    ]),
  };
}

/** The names of the curves beside their strokes. */
export function curveLegend(names: readonly string[]): Html {
  return html`<ul class="legend">
    ${names.map((name, k) => {
      const [color, dashes] = strokes[k % strokes.length];
      return html`<li>
        <svg viewBox="0 0 30 10" aria-hidden="true">
          <line
            x1="0"
            y1="5"
            x2="30"
            y2="5"
            stroke="${color}"
            stroke-width="2.5"
            stroke-dasharray="${dashes.join(' ')}"
          />
        </svg>
        ${name}
      </li>`;
    })}
  </ul>`;
}

/** A chart and its caption. */
export function figure(chart: Html, caption: string): Html {
  return html`<figure>
    ${chart}
    <figcaption>${caption}</figcaption>
  </figure>`;
}
