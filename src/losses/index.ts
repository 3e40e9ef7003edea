// The public face of the losses: margins, hyperspherical energies, and the classification loss that joins them.
export { angleOf, cosines } from './angles.js';
export { type ClassLoss, crossEntropyClassification, summedClassification } from './class-loss.js';
export { crossEntropy, uninformedCrossEntropy } from './cross-entropy.js';
export {
  type JoinedPart,
  logNormaliserOf,
  type LossForm,
  lossOf,
  type LossPart,
  lossPart,
  lossShare,
  requireByClass,
} from './divided-loss.js';
export { caffeEnergy, type CaffeEnergyOptions } from './energies/caffe.js';
export type {
  BatchEnergyInputs,
  DividedEnergy,
  EnergyDescriptor,
  EnergyInputs,
  WeightedEnergy,
} from './energies/energy.js';
export { filterEnergy, filterEnergySchema, type FilterEnergyOptions } from './energies/filters.js';
export { energies, type EnergyOptions, type EnergyOptionsInput } from './energies/index.js';
export type { RieszOptions } from './energies/riesz-kernel.js';
export { type EnergyPairs, type PairShare, rieszEnergy } from './energies/riesz-pairs.js';
export { type EnergyWeight, weighted, weightSchema } from './energies/weight.js';
export { psi, aSoftmaxLogits, type AngularMultiple, type ASoftmaxOptions } from './margins/a-softmax.js';
export { arcFaceLogits, type ArcFaceOptions } from './margins/arcface.js';
export { cosFaceLogits, type CosFaceOptions } from './margins/cosface.js';
export { type MarginColumn, type MarginOptions, type MarginOptionsInput, margins } from './margins/index.js';
export { annealedLambda, effectiveMargin, type LambdaSchedule, lambdaSchema } from './margins/lambda.js';
export type {
  Classification,
  ClassifierInputs,
  MarginDescriptor,
  MarginFormula,
  MarginInputs,
  MarginParameter,
  ScheduledScalar,
} from './margins/margin.js';
export { sphereFaceRLogits, type SphereFaceROptions } from './margins/sphereface-r.js';
export { sphereFace2Bias, sphereFace2Terms, type SphereFace2Options } from './margins/sphereface2.js';
export { rowDots, rowNorms, unitRows } from './rows.js';
