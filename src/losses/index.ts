// The public face of the losses: margins, hyperspherical energies, and the classification loss that joins them.
export { psi, aSoftmaxLogits, type AngularMultiple, type ASoftmaxOptions } from './margins/a-softmax.js';
export { angleOf, cosines } from './angles.js';
export { arcFaceLogits, type ArcFaceOptions } from './margins/arcface.js';
export { cosFaceLogits, type CosFaceOptions } from './margins/cosface.js';
export { crossEntropy } from './cross-entropy.js';
export {
  caffeEnergy,
  rieszEnergy,
  type CaffeEnergyOptions,
  type EnergyPairs,
  type RieszOptions,
} from './energies/energy.js';
export {
  classificationLoss,
  hasUnitClassifier,
  uninformedLoss,
  type Classification,
  type ClassifierInputs,
  type MarginOptions,
  type MarginScalars,
} from './margins/margin.js';
export { rowDots, rowNorms, unitRows } from './rows.js';
export { sphereFaceRLogits, type SphereFaceROptions } from './margins/sphereface-r.js';
export { sphereFace2Bias, sphereFace2Loss, type SphereFace2Options } from './margins/sphereface2.js';
