// What all charts share: drawn by ECharts into SVG text on the server, in the report's type and colours; no script is needed to read them.
import { CustomChart, LineChart, ScatterChart } from 'echarts/charts';
import { GridComponent, LegendComponent, MarkLineComponent } from 'echarts/components';
import { type EChartsCoreOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([CustomChart, LineChart, ScatterChart, GridComponent, LegendComponent, MarkLineComponent, SVGRenderer]);

/** Colours that stay apart in grey print and for colour-blind eyes. */
export const colours = {
  matched: '#1d5a8c',
  mismatched: '#c8641b',
  line: '#1d5a8c',
  mark: '#8b1a2b',
  grid: '#e4e0d8',
  text: '#3a3732',
};
export const font = 'P052, Palatino, "Palatino Linotype", "Book Antiqua", Georgia, serif';
/** Drawn at the width of a phone's column, so that labels keep a readable size there and only grow elsewhere. */
const size = { width: 420, height: 330 };

export const legend = {
  top: 6,
  icon: 'roundRect',
  itemWidth: 18,
  itemHeight: 9,
  textStyle: { fontSize: 14, fontFamily: font, color: colours.text },
};

/** A chart as SVG text that reads its description out. */
export function draw(option: EChartsCoreOption, description: string): string {
  // In a worker the development build of ECharts asks for the global object by Node's name for it.
  (globalThis as { global?: unknown }).global ??= globalThis;
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  try {
    chart.setOption({
      animation: false,
      textStyle: { fontFamily: font, color: colours.text },
      grid: { left: 58, right: 18, top: 18, bottom: 52 },
      ...option,
    });
    const label = description.replace(/[<>&"]/g, ' ');
    return chart.renderToSVGString({ useViewBox: true }).replace('<svg ', `<svg role="img" aria-label="${label}" `);
  } finally {
    chart.dispose();
  }
}

/** What all axes have in common. */
export function axis(name: string, nameGap: number): Record<string, unknown> {
  return {
    name,
    nameLocation: 'middle',
    nameGap,
    nameTextStyle: { fontSize: 14, color: colours.text },
    axisLabel: { fontSize: 13, color: colours.text },
    axisLine: { show: true, onZero: false, lineStyle: { color: colours.text } },
    splitLine: { show: true, lineStyle: { color: colours.grid } },
  };
}

/** 0.05 as `5 %`, 0.0001 as `0.01 %`: no more digits than needed. */
export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(3))} %`;
}

/** A power of ten as such: `10⁻³`, `1`, `10`, `10²`. */
export function power(value: number): string {
  const exponent = Math.round(Math.log10(value));
  if (exponent === 0 || exponent === 1) return String(10 ** exponent);
  const superscript = [...String(Math.abs(exponent))].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('');
  return `10${exponent < 0 ? '⁻' : ''}${superscript}`;
}
