// The public face of the graph layer.
export { Graph } from './graph.js';
export { gradients } from './gradients.js';
export { opset, producerName, serialize, type SerializeOptions } from './onnx/serialize.js';
export { permute, shapeIn, type Layout } from './lowering/layout.js';
export { preferredLayout } from './lowering/preferred-layout.js';
export { blockedDomain } from './lowering/blocked.js';
export type { HalfForm, Precision } from './lowering/precision.js';
export { portable, type Target, type TargetDevice } from './lowering/target.js';
export { ShapeError, broadcastShape, describe, sameShape } from './shapes.js';
export {
  sizeOf,
  Value,
  type Attributes,
  type AttributeValue,
  type ConstantData,
  type DType,
  type EmitOptions,
  type Emitter,
  type FormCase,
  type FormChoice,
  type GraphBuilder,
  type Node,
  type Op,
  type Shape,
  type TensorType,
} from './value.js';
export * from './window-geometry.js';
export { constantOf, type ConstantAttributes } from './constant.js';
export * from './ops/arithmetic.js';
export * from './ops/batch-norm.js';
export * from './ops/channels.js';
export * from './ops/comparison.js';
export * from './ops/conv2d.js';
export * from './ops/elementwise.js';
export * from './ops/indexing.js';
export * from './ops/layout.js';
export * from './ops/matmul.js';
export * from './ops/norm.js';
export * from './ops/pooling.js';
export * from './ops/prelu.js';
export * from './ops/reduction.js';
export * from './ops/softmax.js';
