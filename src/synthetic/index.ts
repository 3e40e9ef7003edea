// A procedural renderer of faces: synthetic people to try the whole pipeline on, with no photo of anyone real.
export { type Conditions, sampleConditions } from './conditions.js';
export { defaultSyntheticOptions, type SyntheticOptions, writeSyntheticPhotos } from './dataset.js';
export { type Identity, sampleIdentity } from './identity.js';
export { renderPhoto } from './render.js';
