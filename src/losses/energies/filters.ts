// The energy between the filters of hidden convolutions: how different they are from each other within a layer.
import { z } from 'zod';
import { add, reshape, scale, type Value } from '../../graph/index.js';
import { SphereFaceError } from '../../common/errors.js';
import { rieszEnergy } from './riesz-pairs.js';
import { rieszKernelFields } from './riesz.js';

export const filterEnergySchema = z.strictObject({
  ...rieszKernelFields,
  weight: z.number().positive().describe('Factor of the mean energy.'),
});

export type FilterEnergyOptions = z.output<typeof filterEnergySchema>;

/**
 * Mean over layers of the energy of all pairs of a convolution's filters, times its weight: a single number.
 * @param filters of each convolution, [out, …].
 * @throws SphereFaceError when there are none.
 */
export function filterEnergy(filters: readonly Value[], { weight, ...kernel }: FilterEnergyOptions): Value {
  if (filters.length === 0) {
    throw new SphereFaceError('There are no convolutions to take the energy of.', {
      next: 'leave loss.hiddenEnergy out, or give the convolutions of the backbone the role "filters"',
    });
  }
  const energies = filters.map((layer) => {
    const rows = reshape(layer, [layer.shape[0], layer.size / layer.shape[0]]);
    return rieszEnergy(rows, layer.graph.indices([]), 'all', kernel);
  });
  return scale(scale(energies.reduce(add), 1 / energies.length), weight);
}
