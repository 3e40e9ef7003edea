// What pictures become for a network from a file: as the file, what stands for it, or the recipe states; and that they agree.
import { basename } from 'node:path';
import { UsageError } from '../common/errors.js';
import { templates } from '../faces/index.js';
import type { Port } from '../graph/onnx/index.js';
import { type InputSpec, publishedInput } from '../images/index.js';
import { sidecarOf } from '../models/index.js';

/** What a recipe says of its input: all fields, and those among them that it states itself. */
export interface InputStatements {
  readonly input: InputSpec;
  readonly stated: Partial<InputSpec>;
}

/**
 * The input convention of a network.
 * @param convention that of the file or of what stands for it; `undefined` leaves it to the recipe.
 * @throws UsageError when nothing states it, or two statements contradict each other.
 */
export function networkInput(
  convention: InputSpec | undefined,
  recipe: InputStatements,
  port: Port,
  path: string,
): InputSpec {
  const input = convention ?? inputByRecipe(recipe, port, path);
  requireAgreement(input, recipe.stated, path);
  requireSize(input, port, path);
  return input;
}

/** The convention by the recipe alone: it must say what becomes of colours, as two models of one size differ in just that. */
function inputByRecipe({ input, stated }: InputStatements, { shape }: Port, path: string): InputSpec {
  if (stated.channelOrder === undefined && stated.mean === undefined && stated.scale === undefined) {
    throw new UsageError(`${path} does not state how pictures become its input, and the recipe does not either.`, {
      got: 'an ONNX file without metadata of this package',
      expected: `an input specification in ${sidecarOf(path)}, or given with --input-spec FILE`,
      next: 'write one (docs/formats.md shows it), or state it in the recipe: --set input.channelOrder=RGB and so on',
    });
  }
  const width = stated.width ?? shape[3] ?? input.width;
  const height = stated.height ?? shape[2] ?? input.height;
  const alignment = stated.alignment ?? alignmentOfSize(width, height);
  return { ...input, width, height, alignment };
}

/** The alignment of crops of a size that nobody states: by the template of that size, if there is one. */
function alignmentOfSize(width: number, height: number): InputSpec['alignment'] {
  const template = Object.values(templates).find((one) => one.width === width && one.height === height);
  return { ...publishedInput.alignment, ...(template === undefined ? {} : { template: template.name }) };
}

/** What a recipe's input has that is not the default, which nobody may have thought about. */
export function ownInput(input: InputSpec): Partial<InputSpec> {
  const differing = inputFields.filter((field) => !same(input[field], publishedInput[field]));
  return Object.fromEntries(differing.map((field) => [field, input[field]]));
}

const inputFields = ['width', 'height', 'channelOrder', 'mean', 'scale', 'alignment'] as const;

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The alignment is left to where crops, recipe and start meet. */
function requireAgreement(input: InputSpec, stated: Partial<InputSpec>, path: string): void {
  for (const field of inputFields) {
    if (field === 'alignment' || stated[field] === undefined || same(stated[field], input[field])) continue;
    throw new UsageError(`The recipe's input is not that of ${basename(path)}.`, {
      got: `input.${field} ${JSON.stringify(stated[field])}`,
      expected: `${JSON.stringify(input[field])}, as the model, or what stands for it, states`,
      next: `leave input.${field} out of the recipe`,
    });
  }
}

function requireSize({ width, height }: InputSpec, { shape }: Port, path: string): void {
  const [, , rows = height, columns = width] = shape;
  if (rows === height && columns === width) return;
  throw new UsageError(`${path} takes pictures of another size than its input convention states.`, {
    got: `${width} wide, ${height} high`,
    expected: `${columns} wide, ${rows} high`,
    next: 'correct the input specification, or input.width and input.height',
  });
}
