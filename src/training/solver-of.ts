// Which solver trains a recipe: by where it wants the classifier, and where parameters and momentum are kept.
import { UsageError } from '../common/errors.js';
import { keepsTensors } from '../runtime/index.js';
import { DenseSolver } from './dense-solver.js';
import { DeviceSolver } from './device/device-solver.js';
import { ShardedSolver } from './sharded/sharded-solver.js';
import type { Solver, SolverOptions } from './solver.js';

/** Where parameters and momentum are kept between steps: in this process's memory, or in that of the device which computes. */
export type StatePlace = 'host' | 'device';

/**
 * @param state default: on the device, where it can keep them.
 * @throws UsageError when they are to be kept on a device and cannot be.
 */
export async function solverOf(options: SolverOptions, state?: StatePlace): Promise<Solver> {
  const obstacle = obstacleToDevice(options);
  if (state === 'device' && obstacle !== undefined) {
    throw new UsageError('Parameters and momentum cannot be kept on the device.', {
      got: obstacle,
      expected: 'one process with the whole classifier (solver.classifier: dense), on the device webgpu',
      next: 'leave the option `state` out: they are then kept where they can be',
    });
  }
  const place = state ?? (obstacle === undefined ? 'device' : 'host');
  const { classifier } = options.recipe.solver;
  switch (classifier) {
    case 'dense':
      return place === 'device' ? DeviceSolver.create(options) : DenseSolver.create(options);
    case 'sharded':
      return ShardedSolver.create(options);
    default:
      return classifier satisfies never;
  }
}

/** Why parameters and momentum cannot be kept on the device; `undefined` where they can. */
function obstacleToDevice({ device = 'cpu', recipe, communicator }: SolverOptions): string | undefined {
  if (!keepsTensors(device)) return `the device "${device}", whose tensors the runtime's binding does not keep`;
  if (recipe.solver.classifier === 'sharded') return 'solver.classifier: sharded';
  if (communicator.size > 1) return `${communicator.size} processes, which add up their gradients`;
  return undefined;
}
