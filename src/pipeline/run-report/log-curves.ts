// The figures of a log that are worth a chart: their names, what they are, and how to read them off a line.
import type { LogLine } from '../../training/index.js';

/** One chart of a run. */
export interface LogChart {
  readonly name: string;
  /** The label of the axis. */
  readonly axis: string;
  readonly caption: string;
  readonly scale: 'value' | 'log';
  /** What is drawn in it: names, and how a line gives the values; null where it has none. */
  readonly curves: readonly { readonly name: string; readonly of: (line: LogLine) => number | null }[];
}

function term(name: string): LogChart['curves'][number] {
  return { name, of: ({ terms }) => terms[name] ?? null };
}

/** What studies compare. */
export const comparedCharts: readonly LogChart[] = [
  {
    name: 'classification loss',
    axis: 'classification loss',
    caption: 'Classification loss, mean since the line before.',
    scale: 'value',
    curves: [term('classification')],
  },
  {
    name: 'lambda',
    axis: 'λ',
    caption: 'λ of the margin: it falls as the margin comes in.',
    scale: 'log',
    curves: [{ name: 'λ', of: ({ lambda }) => lambda }],
  },
  {
    name: 'energy',
    axis: 'energy',
    caption: 'Hyperspherical energy of the classifier, without its weight. Lower is more even.',
    scale: 'value',
    curves: [{ name: 'energy', of: ({ energy }) => energy }],
  },
  {
    name: 'smallest angle',
    axis: 'smallest angle, °',
    caption: 'Smallest angle between two classifiers.',
    scale: 'value',
    curves: [{ name: 'smallest angle', of: ({ minimumAngle }) => minimumAngle }],
  },
];

/** What else the report of one run shows. */
export const runCharts: readonly LogChart[] = [
  {
    name: 'loss',
    axis: 'loss',
    caption: 'All that is minimised, and its terms.',
    scale: 'value',
    curves: [{ name: 'loss', of: ({ loss }) => loss }, term('classification'), term('energy'), term('hiddenEnergy')],
  },
  {
    name: 'accuracy',
    axis: 'training accuracy, %',
    caption: 'Images of the batch whose own classifier is the nearest.',
    scale: 'value',
    curves: [{ name: 'accuracy', of: ({ accuracy }) => 100 * accuracy }],
  },
  ...comparedCharts.slice(1),
  {
    name: 'gradients',
    axis: 'gradient norm',
    caption: 'Norm of the whole gradient, and of what each term gives to the classifier, as weighted.',
    scale: 'log',
    curves: ['total', 'classification', 'energy'].map((name) => ({
      name,
      of: ({ gradientNorms }: LogLine) => gradientNorms[name] ?? null,
    })),
  },
  {
    name: 'energy weight',
    axis: 'weight',
    caption: 'Weight of the energy in the loss.',
    scale: 'log',
    curves: [{ name: 'weight', of: ({ energyWeight }) => energyWeight }],
  },
  {
    name: 'embedding length',
    axis: 'mean |x|',
    caption: 'Mean length of the embeddings.',
    scale: 'value',
    curves: [{ name: '|x|', of: ({ featureNorm }) => featureNorm }],
  },
  {
    name: 'learning rate',
    axis: 'learning rate',
    caption: 'Learning rate.',
    scale: 'value',
    curves: [{ name: 'rate', of: ({ learningRate }) => learningRate }],
  },
  {
    name: 'speed',
    axis: 'images per second',
    caption: 'Images per second, with what waited for data.',
    scale: 'value',
    curves: [{ name: 'speed', of: ({ imagesPerSecond }) => imagesPerSecond }],
  },
];

/** The points of a figure over iterations; a logarithmic axis has no place for zero. */
export function pointsOf(
  lines: readonly LogLine[],
  of: (line: LogLine) => number | null,
  scale: LogChart['scale'],
): [number, number][] {
  return lines.flatMap((line): [number, number][] => {
    const value = of(line);
    return value === null || value === undefined || !Number.isFinite(value) || (scale === 'log' && value <= 0)
      ? []
      : [[line.iteration, value]];
  });
}
