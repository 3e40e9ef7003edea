// A model opened from its bytes alone: what a browser has of a file.
import { parseModel, readMetadataProps } from '../graph/onnx/index.js';
import type { InputSpec } from '../images/input.js';
import { type EmbedderOptions, openEmbedder, type PictureEmbedder } from './embedder.js';
import { ownInput, unstatedInput } from './input-statement.js';
import { knownModel } from './known-models.js';
import { decodeMetadata } from './metadata.js';

/** How to open a model. */
export interface OpenBytesOptions extends EmbedderOptions {
  /** The input convention of a model that does not state its own. */
  readonly inputSpec?: InputSpec;
}

/**
 * Opens a model. The input convention is its own, else `inputSpec`, else what is known of a published model.
 * @param path names it in results and errors.
 * @throws ModelFileError if it is no usable model, if nothing states its input, or if `inputSpec` contradicts it.
 */
export async function openModelBytes(
  bytes: Uint8Array,
  path: string,
  options: OpenBytesOptions = {},
): Promise<PictureEmbedder> {
  const parsed = parseModel(bytes, path);
  const input = ownInput(bytes, path, options.inputSpec) ?? knownModel(parsed, path)?.input;
  if (input === undefined) throw unstatedInput(path, 'an input specification given as `inputSpec`');
  const stated = decodeMetadata(readMetadataProps(bytes, path), path);
  return openEmbedder({ bytes, parsed, path, stated, input }, options);
}
