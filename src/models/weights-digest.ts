// A digest of a network's weights: the same for a model file that another tool has written again.
import { sha256Hex } from '../common/sha256.js';
import type { ParsedModel } from '../graph/onnx/index.js';
import type { TensorProto } from '../graph/onnx/onnx_pb.js';
import { floatData } from '../graph/onnx/tensor-data.js';

/**
 * SHA-256 (hexadecimal) of a model's weights: of the sorted, different SHA-256 digests of its floating-point tensors, each of its values as
 * little-endian float32. A digest of the file would be another one after every tool that opens and saves it: names, the order of tensors and
 * nodes, constants as nodes or initializers, metadata, an open batch, copies of shared tensors and the integers of shapes change. The numbers
 * stay as they are. Scalars are left out: exporters write the constants of formulas as such, or not at all. What folds, quantises or rounds
 * weights makes another network, and another digest.
 * @param source names the model in errors.
 */
export function weightsDigest(model: ParsedModel, source: string): string {
  const digests = new Set<string>();
  for (const tensor of tensorsOf(model)) {
    const data = floatData(tensor, source);
    if (data === undefined || data.length < 2) continue;
    digests.add(sha256Hex([new Uint8Array(data.buffer, 0, data.byteLength)]));
  }
  return sha256Hex([new TextEncoder().encode([...digests].sort().join(''))]);
}

/** Initializers and the tensors of Constant nodes. */
function* tensorsOf({ graph }: ParsedModel): Generator<TensorProto> {
  yield* graph.initializer;
  for (const { opType, attribute } of graph.node) {
    if (opType !== 'Constant') continue;
    for (const { t } of attribute) if (t !== undefined) yield t;
  }
}
