// Which ONNX operators can be read as a network that trains: a line each.
import type { Operator } from '../operand.js';
import { activations } from './activation.js';
import { arithmetic } from './arithmetic.js';
import { conv, convTranspose } from './convolution.js';
import { gemm, matMul } from './matrix.js';
import {
  batchNormalization,
  groupNormalization,
  instanceNormalization,
  layerNormalization,
  lpNormalization,
} from './normalization.js';
import { averagePool, globalAveragePool, globalMaxPool, maxPool } from './pooling.js';
import { reductions } from './reduction.js';
import { resize } from './resize.js';
import { shapeOperators } from './shape.js';

/** By ONNX's names, of its own domain. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  Object.entries({
    ...activations,
    ...arithmetic,
    ...reductions,
    ...shapeOperators,
    Conv: conv,
    ConvTranspose: convTranspose,
    Gemm: gemm,
    MatMul: matMul,
    BatchNormalization: batchNormalization,
    LayerNormalization: layerNormalization,
    InstanceNormalization: instanceNormalization,
    GroupNormalization: groupNormalization,
    LpNormalization: lpNormalization,
    MaxPool: maxPool,
    AveragePool: averagePool,
    GlobalAveragePool: globalAveragePool,
    GlobalMaxPool: globalMaxPool,
    Resize: resize,
    Upsample: resize,
  }),
);
