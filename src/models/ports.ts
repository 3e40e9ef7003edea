// What goes into a network and what comes out: the one input that takes pictures, and the one output that is the embedding.
import { UsageError } from '../common/errors.js';
import { TensorProto_DataType as DataType } from '../graph/onnx/onnx_pb.js';
import type { InputSpec } from '../images/input.js';
import { ModelFileError, type Port } from '../graph/onnx/index.js';

/** Types of the elements of pictures that a network may take. */
export type PictureType = 'float32' | 'float16' | 'uint8';

/** The input that takes pictures. */
export interface PicturePort {
  readonly name: string;
  /** The batch that is built into the network, if one is. */
  readonly batch: number | undefined;
  /** Planes of colours, or colours within pixels. */
  readonly layout: 'NCHW' | 'NHWC';
  readonly type: PictureType;
}

/** The output that is the embedding. */
export interface EmbeddingPort {
  readonly name: string;
  /** The length of an embedding, where the file states it. */
  readonly size: number | undefined;
}

const pictureTypes: ReadonlyMap<number, PictureType> = new Map([
  [DataType.FLOAT, 'float32'],
  [DataType.FLOAT16, 'float16'],
  [DataType.UINT8, 'uint8'],
]);

/**
 * The input for pictures: the only one, of shape [batch, 3, height, width] or [batch, height, width, 3].
 * @throws ModelFileError if the network takes something else than `spec` describes, or no picture at all
 */
export function picturePort(inputs: readonly Port[], spec: InputSpec, path: string): PicturePort {
  const [image] = inputs;
  if (image === undefined || inputs.length > 1) {
    throw new ModelFileError(`${path} is not a network from one image to an embedding.`, {
      got: `inputs ${list(inputs)}`,
      expected: 'one input',
    });
  }
  const type = pictureTypes.get(image.elementType);
  const fits = (...sizes: readonly number[]): boolean =>
    image.shape.length === 4 && image.shape.slice(1).every((size, axis) => size === undefined || size === sizes[axis]);
  const { width, height, mean, scale } = spec;
  const layout = fits(3, height, width) ? 'NCHW' : fits(height, width, 3) ? 'NHWC' : undefined;
  if (layout === undefined || type === undefined) {
    throw new ModelFileError(`${path} does not take the pictures that its input specification describes.`, {
      got: describe(image),
      expected: `float32, float16 or uint8, [batch, 3, ${height}, ${width}] or [batch, ${height}, ${width}, 3]`,
    });
  }
  if (type === 'uint8' && ![...mean, ...scale.map((value) => value - 1)].every((value) => value === 0)) {
    throw new ModelFileError(`${path} takes the pixels as they are (uint8), so that it must normalise them itself.`, {
      got: `mean ${mean.join(', ')}; scale ${scale.join(', ')} in its input specification`,
      expected: 'mean 0, 0, 0 and scale 1, 1, 1',
      next: 'correct the input specification',
    });
  }
  const [batch] = image.shape;
  if (batch === 0) {
    throw new ModelFileError(`${path} takes batches of no picture at all.`, {
      got: describe(image),
      expected: 'a batch that is left open, or of one picture or more',
      next: 'export it again with an open batch: dynamic_axes or dynamic_shapes of torch.onnx.export',
    });
  }
  return { name: image.name, batch, layout, type };
}

/** What a network's input says of the pictures that it takes. */
export interface StatedPictures {
  readonly size: { readonly width: number; readonly height: number } | undefined;
  readonly type: PictureType;
}

/**
 * Size and type of the pictures that a network takes, as its only input states them; no size where that is left open.
 * @throws ModelFileError if the input is none for pictures of three colours
 */
export function statedPictures(inputs: readonly Port[], path: string): StatedPictures {
  const [image] = inputs;
  const type = inputs.length === 1 ? pictureTypes.get(image!.elementType) : undefined;
  const [, ...dims] = image?.shape ?? [];
  const sizes = dims[0] === 3 ? dims.slice(1) : dims[2] === 3 ? dims.slice(0, 2) : undefined;
  if (type === undefined || sizes === undefined || dims.length !== 3) {
    throw new ModelFileError(`${path} does not take pictures.`, {
      got: `inputs ${list(inputs)}`,
      expected: 'one input, float32, float16 or uint8, [batch, 3, height, width] or [batch, height, width, 3]',
    });
  }
  const [height, width] = sizes;
  return { size: height === undefined || width === undefined ? undefined : { height, width }, type };
}

/** Names that an embedding has, the surest first. */
const embeddingNames = [/embed/i, /^(fc1|fc5|feat(ure)?s?|output(_?0)?|emb|x_?vector|descriptor)$/i];

/**
 * The output that is the embedding: the one that `wanted` names; else the only one whose shape an embedding can have, or
 * among several the only one with an embedding's name.
 * @throws ModelFileError if none can be it; UsageError, with all outputs and their shapes, if it is not clear which one it is
 */
export function embeddingPort(outputs: readonly Port[], path: string, wanted?: string): EmbeddingPort {
  const candidates = outputs.filter(isPlausible);
  const chosen =
    wanted === undefined ? (only(candidates) ?? byName(candidates)) : outputs.find(({ name }) => name === wanted);
  if (chosen !== undefined && isPlausible(chosen)) return { name: chosen.name, size: sizeOf(chosen) };
  if (wanted !== undefined) {
    throw new UsageError(`The output "${wanted}" of ${path} cannot be the embedding.`, {
      got: chosen === undefined ? 'no output of that name' : describe(chosen),
      expected: `one of ${list(candidates)}`,
    });
  }
  if (candidates.length === 0) {
    throw new ModelFileError(`${path} has no output that can be an embedding.`, {
      got: list(outputs),
      expected: 'an output of shape [batch, size], with more than one value per picture',
    });
  }
  throw new UsageError(`It is not clear which output of ${path} is the embedding.`, {
    got: list(outputs),
    expected: 'one output that can be it, or one that is called embedding',
    next: 'name it with `modelOutput`; sphereface import keeps it in a copy',
  });
}

/** Floating point, a row per picture, and more than one value in it as far as the shape says. */
function isPlausible(port: Port): boolean {
  if (port.elementType !== DataType.FLOAT && port.elementType !== DataType.FLOAT16) return false;
  const { shape } = port;
  if (shape.length === 0) return true; // No shape is stated.
  const size = sizeOf(port);
  // A row per picture: of the axes after the batch's, one at most is longer than 1.
  const row = shape.length > 1 && shape.slice(1).filter((dim) => dim !== 1).length <= 1;
  return row && (size === undefined || size > 1);
}

function sizeOf({ shape }: Port): number | undefined {
  return shape.length < 2
    ? undefined
    : shape
        .slice(1)
        .reduce<number | undefined>(
          (size, dim) => (size === undefined || dim === undefined ? undefined : size * dim),
          1,
        );
}

function byName(ports: readonly Port[]): Port | undefined {
  for (const pattern of embeddingNames) {
    const named = ports.filter(({ name }) => pattern.test(name));
    if (named.length > 0) return only(named);
  }
  return undefined;
}

function only<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}

function list(ports: readonly Port[]): string {
  return ports.map((port) => `${port.name} (${describe(port)})`).join('; ') || 'none';
}

function describe({ elementType, shape }: Port): string {
  const type = DataType[elementType]?.toLowerCase() ?? `element type ${elementType}`;
  return `${type === 'float' ? 'float32' : type} [${shape.map((size) => size ?? '?').join(', ')}]`;
}
