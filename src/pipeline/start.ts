// The model from elsewhere that a pipeline fine-tunes, read before anything is begun, and the crops that it takes.
import { UsageError } from '../common/errors.js';
import {
  alignmentVersion,
  type CropSettings,
  type CropSizeName,
  defaultCrop,
  similaritySolvers,
  templates,
} from '../faces/index.js';
import { describeAlignment } from '../images/index.js';
import { type FileNetwork, openNetwork } from '../training/index.js';
import type { FineTuneRecipes } from './types.js';

/** @throws UsageError for a recipe without a network from a file, and for a model whose alignment nothing here makes. */
export async function openStart({
  tuned,
  ...start
}: FineTuneRecipes): Promise<{ readonly network: FileNetwork; readonly crop: CropSettings }> {
  const network = await openNetwork({ ...start, recipe: tuned });
  if (network === undefined) {
    throw new UsageError(`The recipe ${tuned.name} does not take its network from a file.`, {
      got: `network.type ${tuned.network.type}`,
      expected: 'onnx, as the recipe fine-tune has',
    });
  }
  const { alignment } = network.recipe.input;
  const size = Object.entries(templates).find(([, { name }]) => name === alignment.template)?.[0] as CropSizeName;
  const solver = similaritySolvers.find((one) => one === alignment.solver);
  if (size === undefined || solver === undefined || alignment.version !== alignmentVersion) {
    throw new UsageError(`Photos cannot be aligned for ${start.init} here.`, {
      got: describeAlignment(alignment),
      expected: `a template among ${Object.values(templates)
        .map(({ name }) => name)
        .join(', ')}`,
      next: 'align them with what the model was made for, and use sphereface train on the crops',
    });
  }
  return { network, crop: { ...defaultCrop, size, solver } };
}
