// The parameters of a model file, by name: where a fine-tune starts from.
import { floatParameters, type Parameter, parseModel } from '../graph/onnx/index.js';
import { readModelFile } from './model-file.js';

/** The floating-point parameters of an ONNX file, as {@link floatParameters} gives them. */
export async function readParameters(path: string): Promise<Map<string, Parameter>> {
  return floatParameters(parseModel(await readModelFile(path), path), path);
}
