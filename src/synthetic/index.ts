// A procedural renderer of faces: synthetic people to try the whole pipeline on, with no photo of anyone real.
export {
  type Camera,
  type Conditions,
  type Expression,
  type Light,
  type Occlusion,
  type Pose,
  sampleConditions,
} from './conditions.js';
export { writeSyntheticCrops } from './crops.js';
export { defaultSyntheticOptions, type OnPhoto, type SyntheticOptions, writeSyntheticPhotos } from './dataset.js';
export { type FaceShape, type Identity, type Mole, sampleIdentity } from './identity.js';
export type { Colour } from './numeric.js';
export { syntheticConditions, syntheticCrop, syntheticPerson } from './photo.js';
export { renderPhoto } from './render.js';
