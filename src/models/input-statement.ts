// The input convention of a model, as its own file and who opens it state it.
import { ModelFileError, readMetadataProps } from '../graph/onnx/index.js';
import type { InputSpec } from '../images/input.js';
import { decodeMetadata } from './metadata.js';

/**
 * The model's own statement, else `given`; `undefined` where there is neither.
 * @param path names the model in errors.
 * @throws ModelFileError if `given` contradicts the model.
 */
export function ownInput(bytes: Uint8Array, path: string, given: InputSpec | undefined): InputSpec | undefined {
  const own = decodeMetadata(readMetadataProps(bytes, path), path)?.input;
  if (own === undefined || given === undefined || sameSpec(own, given)) return own ?? given;
  throw new ModelFileError(`The input specification contradicts the model ${path}.`, {
    got: JSON.stringify(given),
    expected: JSON.stringify(own),
    next: 'leave the specification out: the model states its own',
  });
}

/** The error for a model of which nothing says how pictures become its input. @param expected where it could be said. */
export function unstatedInput(path: string, expected: string): ModelFileError {
  return new ModelFileError(`${path} does not state how pictures become its input.`, {
    got: 'an ONNX file without metadata of this package, and of no published model that is known',
    expected,
    next: 'write one (docs/formats.md shows it), or have it found on photos: sphereface import MODEL --probe PHOTOS -o OWN',
  });
}

function sameSpec(a: InputSpec, b: InputSpec): boolean {
  const flat = ({ width, height, channelOrder, mean, scale, alignment }: InputSpec): string =>
    JSON.stringify([width, height, channelOrder, mean, scale, alignment.template, alignment.solver, alignment.version]);
  return flat(a) === flat(b);
}
