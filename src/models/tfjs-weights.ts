// Reads weights that TensorFlow.js stores: a manifest (JSON) of names, shapes and number formats, and files with the numbers.
import { z } from 'zod';
import { SphereFaceError } from '../common/errors.js';
import { parseJson } from '../common/json.js';
import { sizeOf } from '../graph/index.js';
import type { Parameter } from '../graph/onnx/index.js';

const manifestSchema = z
  .array(
    z.object({
      paths: z.array(z.string()).min(1),
      weights: z.array(
        z.object({
          name: z.string(),
          shape: z.array(z.int().min(0)),
          dtype: z.literal('float32'),
          /** Stored as bytes q that stand for q · scale + min. */
          quantization: z.object({ dtype: z.literal('uint8'), scale: z.number(), min: z.number() }).optional(),
        }),
      ),
    }),
  )
  .min(1);

/**
 * The float32 weights by name; those stored as bytes are widened.
 * @param manifest the text of the manifest
 * @param files the files that it names, by their names
 * @throws SphereFaceError for another form than this, for files that are missing, and for files of another length than the manifest says.
 */
export function readTfjsWeights(manifest: string, files: ReadonlyMap<string, Uint8Array>): Map<string, Parameter> {
  const weights = new Map<string, Parameter>();
  for (const group of parseJson(manifestSchema, manifest, 'the manifest of the weights', 'fetch the files again')) {
    const bytes = joined(group.paths, files);
    let offset = 0;
    for (const { name, shape, quantization } of group.weights) {
      const size = sizeOf(shape);
      const end = offset + size * (quantization === undefined ? 4 : 1);
      if (!(end <= bytes.length)) throw damaged(`${bytes.length} bytes`, `${end} or more, for ${name}`);
      const stored = bytes.slice(offset, end);
      const data =
        quantization === undefined
          ? new Float32Array(stored.buffer)
          : Float32Array.from(stored, (q) => q * quantization.scale + quantization.min);
      weights.set(name, { shape, data });
      offset = end;
    }
    if (offset !== bytes.length) throw damaged(`${bytes.length} bytes`, `${offset}`);
  }
  return weights;
}

/** The files of a group one after the other: a weight may begin in one and end in the next. */
function joined(paths: readonly string[], files: ReadonlyMap<string, Uint8Array>): Uint8Array<ArrayBuffer> {
  const parts = paths.map((path) => {
    const part = files.get(path);
    if (part === undefined) throw damaged(`files ${[...files.keys()].join(', ')}`, path);
    return part;
  });
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function damaged(got: string, expected: string): SphereFaceError {
  return new SphereFaceError('The files of the weights are not those of the manifest.', {
    got,
    expected,
    next: 'fetch the files again',
  });
}
