// The evaluation report's charts: ROC, DET, scores and thresholds.
import { axis, colours, draw, font, legend, percent, power } from './chart.js';
import { equalErrorRate, pointAtFar, type RocCurve } from '../metrics/index.js';
import { probit } from './probit.js';

/** False-accept rates to draw a curve at: every one that few false accepts give, and a fine logarithmic grid. */
function drawnRates(curve: RocCurve): number[] {
  const exact = Array.from({ length: Math.min(100, curve.mismatched) }, (_, i) => (i + 1) / curve.mismatched);
  const decades = Math.log10(curve.mismatched);
  const grid = Array.from({ length: 200 }, (_, i) => 10 ** (-decades * (1 - (i + 1) / 200)));
  return [...new Set([...exact, ...grid])].sort((x, y) => x - y);
}

/** The curve as [false-accept rate, true-accept rate], from one false accept on. */
function curvePoints(curve: RocCurve): [number, number][] {
  return drawnRates(curve).map((far) => {
    const point = pointAtFar(curve, far);
    return [far, point < 0 ? 0 : curve.trueAccepts[point] / curve.matched];
  });
}

/** ROC with a logarithmic false-accept axis: the left end is where decisions are made. */
export function rocChart(curve: RocCurve): string {
  const points = curvePoints(curve);
  const eer = equalErrorRate(curve);
  const lowest = Math.max(0, Math.floor(Math.min(...points.map(([, tar]) => tar)) * 10 - 0.5) / 10);
  const interval = [0.02, 0.05, 0.1].find((step) => 1 - lowest <= 5.01 * step) ?? 0.2;
  return draw(
    {
      xAxis: {
        ...axis('false-accept rate', 30),
        type: 'log',
        min: 10 ** Math.floor(Math.log10(1 / curve.mismatched)),
        max: 1,
        axisLabel: { fontSize: 13, color: colours.text, formatter: power },
      },
      yAxis: {
        ...axis('true-accept rate', 40),
        type: 'value',
        min: interval < 0.2 ? lowest : 0,
        interval,
        max: 1,
      },
      series: [
        { type: 'line', step: 'end', showSymbol: false, data: points, lineStyle: { color: colours.line, width: 2 } },
        ...(eer > 0 ? [eerMark([eer, 1 - eer], 'bottom')] : []),
      ],
    },
    `ROC curve of ${curve.matched} matched and ${curve.mismatched} mismatched pairs; equal error rate ${percent(eer)}`,
  );
}

const detTicks = [1e-6, 1e-5, 1e-4, 1e-3, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95, 0.99];

/**
 * Detection error trade-off (Martin et al. 1997): both errors on normal-deviate axes. Nothing where no false-accept
 * rate above zero leaves a false-reject rate above zero: such a point lies at infinity.
 */
export function detChart(curve: RocCurve): string | undefined {
  const points = curvePoints(curve)
    .map(([far, tar]): [number, number] => [far, 1 - tar])
    .filter(([far, frr]) => far > 0 && far < 1 && frr > 0 && frr < 1);
  if (points.length === 0) return undefined;
  const eer = equalErrorRate(curve);
  const lowestFar = 1 / curve.mismatched;
  const lowestFrr = 1 / curve.matched;
  const highestFrr = Math.max(0.4, ...points.map(([, frr]) => frr));
  const highestFar = Math.max(0.4, ...points.map(([far]) => far));
  const det = (name: string, gap: number, low: number, high: number): Record<string, unknown> => {
    const ticks = detTicks.filter((tick) => tick >= low / 2 && tick <= Math.min(high, 0.99));
    return {
      ...axis(name, gap),
      type: 'value',
      min: probit(Math.min(low, ticks[0])),
      max: probit(Math.min(high, 0.995)),
      splitLine: { show: false },
      axisTick: { show: true, customValues: ticks.map(probit) },
      axisLabel: {
        fontSize: 13,
        color: colours.text,
        hideOverlap: true,
        customValues: ticks.map(probit),
        formatter: (value: number) => percent(ticks[nearest(ticks.map(probit), value)]),
      },
    };
  };
  return draw(
    {
      grid: { left: 70, right: 18, top: 18, bottom: 52 },
      xAxis: det('false-accept rate', 30, lowestFar, highestFar),
      yAxis: det('false-reject rate', 54, lowestFrr, highestFrr),
      series: [
        {
          type: 'line',
          step: 'end',
          showSymbol: points.length < 2,
          data: points.map(([far, frr]) => [probit(far), probit(frr)]),
          lineStyle: { color: colours.line, width: 2 },
          itemStyle: { color: colours.line },
        },
        ...(eer > 0 && eer < 1 ? [eerMark([probit(eer), probit(eer)], 'top')] : []),
      ],
    },
    `DET curve of ${curve.matched} matched and ${curve.mismatched} mismatched pairs; equal error rate ${percent(eer)}`,
  );
}

function eerMark(at: [number, number], side: 'top' | 'bottom'): Record<string, unknown> {
  return {
    type: 'scatter',
    data: [at],
    symbolSize: 9,
    itemStyle: { color: colours.mark },
    label: {
      show: true,
      position: side,
      distance: 7,
      offset: [18, 0],
      formatter: 'EER',
      fontSize: 13,
      color: colours.mark,
      fontFamily: font,
    },
  };
}

/** Both error rates against the threshold: what moving it would cost. */
export function thresholdChart(curve: RocCurve): string {
  const { thresholds, trueAccepts, falseAccepts, matched, mismatched } = curve;
  const last = thresholds.length - 1;
  const drawn = Math.min(last, 400);
  const at = Array.from({ length: drawn + 1 }, (_, i) => last - Math.round((i * last) / Math.max(drawn, 1)));
  // At the score of point i itself, `score > threshold` accepts the points before it.
  const before = (counts: Uint32Array, i: number): number => (i === 0 ? 0 : counts[i - 1]);
  const series = (name: string, color: string, dashed: boolean, rate: (i: number) => number) => ({
    type: 'line',
    name,
    showSymbol: false,
    lineStyle: { color, width: 2, type: dashed ? [5, 3] : 'solid' },
    itemStyle: { color },
    data: at.map((i) => [thresholds[i], rate(i) * 100]),
  });
  return draw(
    {
      grid: { left: 52, right: 18, top: 44, bottom: 52 },
      legend,
      xAxis: {
        ...axis('threshold', 30),
        type: 'value',
        min: Math.floor(thresholds[last] * 5) / 5,
        max: Math.ceil(thresholds[0] * 5) / 5,
        interval: 0.2,
        splitLine: { show: false },
      },
      yAxis: { ...axis('error rate, %', 36), type: 'value', min: 0, max: 100 },
      series: [
        series('false accepts', colours.mismatched, true, (i) => before(falseAccepts, i) / mismatched),
        series('false rejects', colours.matched, false, (i) => 1 - before(trueAccepts, i) / matched),
      ],
    },
    `False-accept and false-reject rate against the threshold, ${matched} matched and ${mismatched} mismatched pairs`,
  );
}

/** The scores of matched and mismatched pairs as two histograms, each a share of its own kind, with the threshold. */
export function histogramChart(scores: Float64Array, same: Uint8Array, threshold: number): string {
  const bins = 60;
  let low = threshold;
  let high = threshold;
  for (const score of scores) {
    low = Math.min(low, score);
    high = Math.max(high, score);
  }
  low = Math.max(-1, Math.floor(low * 5) / 5);
  high = Math.min(1, Math.ceil(high * 5) / 5);
  if (high <= low) high = low + 0.2;
  const counts = [new Float64Array(bins), new Float64Array(bins)];
  const totals = [0, 0];
  for (let i = 0; i < scores.length; i++) {
    const bin = Math.floor(((scores[i] - low) / (high - low)) * bins);
    counts[same[i]][Math.min(Math.max(bin, 0), bins - 1)]++;
    totals[same[i]]++;
  }
  const series = (kind: 0 | 1, name: string, color: string): Record<string, unknown> => ({
    type: 'line',
    name,
    step: 'end',
    showSymbol: false,
    lineStyle: { color, width: 1.5, type: kind === 1 ? 'solid' : [5, 3] },
    areaStyle: { color, opacity: 0.22 },
    itemStyle: { color },
    data: Array.from({ length: bins + 1 }, (_, bin) => [
      low + ((high - low) * bin) / bins,
      ((counts[kind][Math.min(bin, bins - 1)] ?? 0) / totals[kind]) * 100,
    ]),
  });
  return draw(
    {
      grid: { left: 52, right: 18, top: 44, bottom: 52 },
      legend,
      xAxis: {
        ...axis('similarity', 30),
        type: 'value',
        min: low,
        max: high,
        interval: 0.2,
        splitLine: { show: false },
      },
      yAxis: { ...axis('share of the pairs, %', 36), type: 'value', min: 0 },
      series: [
        series(0, 'different people', colours.mismatched),
        {
          ...series(1, 'same person', colours.matched),
          markLine: {
            symbol: 'none',
            silent: true,
            lineStyle: { color: colours.mark, width: 1.5, type: 'solid' },
            label: {
              formatter: threshold.toFixed(3),
              fontSize: 13,
              color: colours.mark,
              fontFamily: font,
              position: 'insideEndTop',
            },
            data: [{ xAxis: threshold }],
          },
        },
      ],
    },
    `Histograms of the similarities of ${totals[1]} matched and ${totals[0]} mismatched pairs, threshold ${threshold.toFixed(4)}`,
  );
}

function nearest(values: readonly number[], value: number): number {
  return values.reduce(
    (best, candidate, i) => (Math.abs(candidate - value) < Math.abs(values[best] - value) ? i : best),
    0,
  );
}
