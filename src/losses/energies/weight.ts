// How strongly an energy acts: a constant factor, or one measured by the gradients at every step.
import { div, gradients, mul, norm, scale, shift, type Value } from '../../graph/index.js';
import type { EnergyInputs, WeightedEnergy } from './energy.js';
import type { EnergyWeight } from './weight-options.js';

/** An energy, a single number that is a function of the classifier, with its weight. */
export function weighted(
  energy: Value,
  { classifier, classificationGradient }: EnergyInputs,
  options: EnergyWeight,
): WeightedEnergy {
  const [plain] = gradients(energy, [classifier]);
  const weight = weightOf(options, plain, classificationGradient);
  return { energy, weight, term: mul(energy, weight), gradient: mul(plain, weight) };
}

function weightOf(options: EnergyWeight, plain: Value, classificationGradient: Value): Value {
  switch (options.type) {
    case 'constant':
      return plain.graph.scalar(options.value);
    case 'auto':
      return div(scale(norm(classificationGradient), options.share), shift(norm(plain), 1e-20));
    default:
      return options satisfies never;
  }
}
