// What a recipe's graphs are emitted for on a device, and whether the device has the precision that the recipe asks for.
import { UsageError } from '../common/errors.js';
import type { Target } from '../graph/index.js';
import { type Device, hasFloat16, targetFor } from '../runtime/index.js';
import type { Recipe } from './recipe.js';

/**
 * The target of a recipe's steps.
 * @throws UsageError where `solver.precision: float16` cannot be had: on a device other than WebGPU, on one without half precision in its
 *   shaders, and for a sharded classifier.
 */
export async function targetOf({ solver }: Recipe, device: Device): Promise<Target> {
  const target = await targetFor(device);
  const { precision } = solver;
  switch (precision) {
    case 'float32':
      return target;
    case 'float16': {
      const obstacle = await obstacleToFloat16(solver, device);
      if (obstacle === undefined) return { ...target, precision };
      throw new UsageError('Training in half precision is not to be had here.', {
        got: `solver.precision: float16, ${obstacle}`,
        expected: 'a GPU with half precision in its shaders (--device webgpu), and a classifier that is whole',
        next: 'leave it at float32 (--set solver.precision=float32)',
      });
    }
    default:
      return precision satisfies never;
  }
}

/** Why half precision cannot be had; `undefined` where it can. */
async function obstacleToFloat16({ classifier }: Recipe['solver'], device: Device): Promise<string | undefined> {
  if (classifier === 'sharded') return 'and solver.classifier: sharded, whose steps are computed in float32 alone';
  switch (device) {
    case 'cpu':
    case 'wasm':
      return `and the device ${device}, where the runtime has no products in half precision: it would convert to float32 and back around each`;
    case 'cuda':
      return 'and the device cuda, where it was never tried: an NVIDIA card has it as webgpu';
    case 'webgpu':
      return (await hasFloat16(device)) ? undefined : 'and a WebGPU device whose shaders have no float16 (shader-f16)';
    default:
      return device satisfies never;
  }
}
