// What of the renderer runs in a browser: everything but writing files.
export type { Conditions } from './conditions.js';
export type { Identity } from './identity.js';
export { syntheticConditions, syntheticCrop, syntheticPerson } from './photo.js';
