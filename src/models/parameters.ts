// The parameters of a model file, by name: where a fine-tune starts from.
import { floatParameters, type Parameter, parseModel } from '../graph/onnx/index.js';
import { readModelFile } from './model-file.js';

/**
 * The floating-point parameters of an ONNX file by name: float32 as stored, float16 and float64 converted. Others (shapes, indices) are
 * left out.
 * @throws ModelFileError for a file that is no usable model; SphereFaceError for a tensor whose data does not fit its shape.
 */
export async function readParameters(path: string): Promise<Map<string, Parameter>> {
  return floatParameters(parseModel(await readModelFile(path), path), path);
}
