// A margin as a user writes one: CosFace whose margin rises over the first steps and whose scale is trained.
import { z } from 'zod';
import { mul, pickLabel, replaceLabel, sub } from '../../graph/index.js';
import { cosines, crossEntropy, type MarginDescriptor, uninformedCrossEntropy } from '../../losses/index.js';

const schema = z.strictObject({
  type: z.literal('rising').describe('CosFace with a margin that rises and a scale that is trained.'),
  scale: z.number().positive().default(16).describe('The scale at the start.'),
  margin: z.number().nonnegative().default(0.2).describe('The margin at the end of its rise.'),
  steps: z.int().positive().default(20).describe('Steps of the rise.'),
});

const marginAt = ({ margin, steps }: z.output<typeof schema>, step: number) => margin * Math.min(1, step / steps);

export const risingMargin = {
  type: 'rising',
  schema,
  formulas: [{ label: 's (cos θ − margin)', others: 's cos θ' }],
  features: 'unit',
  source: 'a test',
  unitClassifier: true,
  columns: { margin: 'the margin as it has risen' },
  easing: 'raise loss.margin.steps',
  scalars: (options) => [{ name: 'margin', symbol: 'margin', at: (step) => marginAt(options, step) }],
  parameters: ({ scale }) => [{ name: 'scale', shape: [1], start: scale, decayMultiplier: 0 }],
  log: (options, step) => ({ margin: marginAt(options, step) }),
  uninformedLoss: ({ scale, margin }, classes) => uninformedCrossEntropy(classes, scale * margin),
  build(inputs) {
    const c = cosines(inputs);
    const target = sub(pickLabel(c, inputs.labels), inputs.scalars.margin);
    const logits = mul(replaceLabel(c, inputs.labels, target), inputs.parameters.scale);
    return { loss: crossEntropy(logits, inputs.labels), scores: c };
  },
} satisfies MarginDescriptor<typeof schema>;
