// The released InterClass layer, free of its data races: for parity with the published runs. At its published weights it is nearly inert.
import { z } from 'zod';
import {
  affine,
  div,
  expand,
  gather,
  gradients,
  mul,
  scale,
  shift,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  type Value,
} from '../../graph/index.js';
import { unitRows, withGradientOf } from '../rows.js';
import type { DividedEnergy, EnergyDescriptor } from './energy.js';

const schema = z.strictObject({
  form: z.literal('caffe').describe('The released InterClass layer.'),
  type: z
    .enum(['among', 'mean'])
    .default('among')
    .describe('among: the sum of squared distances to all rows. mean: the cosine with the mean row.'),
  alpha: z.number().nonnegative().default(10).describe("The released layer's α."),
  normalise: z.boolean().default(true).describe('Whether the mean row is divided by its length.'),
});

export type CaffeEnergyOptions = Omit<z.output<typeof schema>, 'form'>;

export const caffe = {
  type: 'caffe',
  summary: "the released layer's repulsion from the mean row; its weight α is part of the formula",
  schema,
  build({ classifier, labels }, options) {
    // Its output is a distance.
    const { loss, distance } = caffeEnergy(classifier, labels, options);
    const [gradient] = gradients(loss, [classifier]);
    return { energy: distance, term: loss, gradient, weight: classifier.graph.scalar(options.alpha) };
  },
  divided({ alpha, ...options }): DividedEnergy {
    return {
      form: 'batch',
      weight: { type: 'constant', value: alpha },
      build({ own, mean }) {
        const { loss, distance } = repulsion(own, mean, { ...options, alpha: 1 });
        return { value: distance, loss };
      },
    };
  },
} satisfies EnergyDescriptor<typeof schema>;

/** The layer's own guards against division by zero. */
const caffeEpsilon = 1e-5;

/**
 * The released layer's gradient, for parity; at its published weights it is nearly inert. For each image, its own row is pushed away
 * from the mean row m̂: `among` −4α / (M d² + 1e-5) · (ŵ_y − m̂), `mean` α m̂ / M. It acts on the rows as if nothing normalised them.
 * @returns `loss`, whose gradient that is and whose value is the function it descends (2α / (M d), and α (1 − distance) for `mean`),
 *   and `distance`, the layer's output: d = 1/N Σ_i Σ_j ‖ŵ_i − ŵ_{y_j}‖², or 1 − mean_j cos(m̂, ŵ_{y_j}).
 */
export function caffeEnergy(classifier: Value, labels: Value, options: CaffeEnergyOptions): Repulsion {
  const [count] = classifier.shape;
  const rows = stopGradient(unitRows(classifier));
  const mean = scale(sum(rows, { axes: [0], keepDims: true }), 1 / count);
  return repulsion(gather(classifier, labels), mean, options);
}

interface Repulsion {
  readonly loss: Value;
  readonly distance: Value;
}

/** Of the batch's own rows, `trained` [n, d], from the mean row [1, d]. */
function repulsion(trained: Value, mean: Value, { type, alpha, normalise }: CaffeEnergyOptions): Repulsion {
  const { graph } = trained;
  const [batch, size] = trained.shape;
  const own = stopGradient(unitRows(trained));
  const meanSquare = sum(square(mean));
  const centre = normalise ? div(mean, sqrt(shift(meanSquare, caffeEpsilon))) : mean;
  switch (type) {
    case 'among': {
      // Σ_i Σ_j ‖ŵ_i − ŵ_j‖² / N = 2 M − 2 Σ_j ŵ_j · mean, for unit rows.
      const distance = affine(sum(mul(own, expand(mean, [batch, size]))), -2, 2 * batch);
      const factor = div(graph.scalar(-4 * alpha), affine(square(distance), batch, caffeEpsilon));
      const pull = mul(sub(own, centre), factor);
      const value = div(graph.scalar((2 * alpha) / batch), distance);
      return { loss: withGradientOf(value, sum(mul(trained, stopGradient(pull)))), distance };
    }
    case 'mean': {
      const towards = scale(sum(mul(own, expand(centre, [batch, size]))), 1 / batch);
      const pull = expand(scale(centre, alpha / batch), [batch, size]);
      const shadow = sum(mul(trained, stopGradient(pull)));
      return { loss: withGradientOf(scale(towards, alpha), shadow), distance: affine(towards, -1, 1) };
    }
    default:
      return type satisfies never;
  }
}
