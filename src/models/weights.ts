// Weights as safetensors that say of themselves whose rows the classifier has and which pictures they are for: the parameters of a
// checkpoint, and the classifier beside a model file.
import { z } from 'zod';
import { parseJson } from '../common/json.js';
import type { InputSpec } from '../images/input.js';
import { metadataKeys, parseInputSpec } from './metadata.js';
import { decodeSafetensors, encodeSafetensors, safetensorsParts, type Tensor } from './safetensors.js';

/** Parameters by name, and what is known of them. */
export interface Weights {
  readonly parameters: ReadonlyMap<string, Tensor>;
  /** The identity of each row of the classifier, in order; absent where nothing says it, as in files from elsewhere. */
  readonly identities?: readonly string[];
  /** The pictures that they were trained on; absent where nothing says it. */
  readonly input?: InputSpec;
}

/** The bytes of a weights file. Its `__metadata__` holds `sphereface.identities` (JSON) and `sphereface.input` where they are known. */
export function encodeWeights(weights: Weights): Uint8Array {
  return encodeSafetensors(weights.parameters, statementsOf(weights));
}

/** The same bytes in parts, so that they need not all be in memory twice. */
export function weightsParts(weights: Weights): Iterable<Uint8Array> {
  return safetensorsParts(weights.parameters, statementsOf(weights));
}

/** What weights say of themselves, as the metadata of a file. */
export function statementsOf({ identities, input }: Omit<Weights, 'parameters'>): Record<string, string> {
  return {
    ...(identities === undefined ? {} : { [metadataKeys.identities]: JSON.stringify(identities) }),
    ...(input === undefined ? {} : { [metadataKeys.input]: JSON.stringify(input) }),
  };
}

/**
 * Reads a safetensors file of float32 weights.
 * @param path names the file in errors.
 * @throws SphereFaceError for a damaged file, and for statements that cannot be understood.
 */
export function decodeWeights(bytes: Uint8Array, path: string): Weights {
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  return { parameters: tensors, ...readStatements(metadata, path) };
}

/** Reads what {@link statementsOf} wrote. @throws SphereFaceError for what cannot be understood. */
export function readStatements(
  { [metadataKeys.identities]: identities, [metadataKeys.input]: input }: Readonly<Record<string, string>>,
  path: string,
): Omit<Weights, 'parameters'> {
  return {
    ...(identities === undefined
      ? {}
      : { identities: parseJson(identitiesSchema, identities, `${path}, ${metadataKeys.identities}`) }),
    ...(input === undefined ? {} : { input: parseInputSpec(input, `${path}, ${metadataKeys.input}`) }),
  };
}

const identitiesSchema = z
  .array(z.string().min(1))
  .refine((names) => new Set(names).size === names.length, 'a name occurs twice');
