// The crops that a model takes: which of the known templates and solvers its file states.
import { SphereFaceError } from '../../common/errors.js';
import { type SimilaritySolver, similaritySolvers } from '../../faces/similarity.js';
import { alignmentVersion, type CropSizeName, type Template, templates } from '../../faces/template.js';
import { describeAlignment } from '../../images/alignment.js';
import type { InputSpec } from '../../images/input.js';

/** How to align faces for a model. */
export interface ModelCrops {
  readonly size: CropSizeName;
  readonly template: Template;
  readonly solver: SimilaritySolver;
}

/** The template and solver that a model was trained with. @throws SphereFaceError for one that cannot be made here. */
export function cropsOf({ alignment, width, height }: InputSpec): ModelCrops {
  const sizes = Object.keys(templates) as CropSizeName[];
  const size = sizes.find((name) => templates[name].name === alignment.template);
  const solver = similaritySolvers.find((name) => name === alignment.solver);
  if (size !== undefined && solver !== undefined && alignment.version === alignmentVersion) {
    const template: Template = templates[size];
    if (template.width === width && template.height === height) return { size, template, solver };
  }
  throw new SphereFaceError('The model takes crops that this version cannot make', {
    got: `${describeAlignment(alignment)}, ${height} high, ${width} wide`,
    expected: `one of ${sizes.map((name) => templates[name].name).join(', ')}; ${similaritySolvers.join(' or ')}; version ${alignmentVersion}`,
    next: 'align the photos with what made the model, and give the crops: `aligned`',
  });
}
