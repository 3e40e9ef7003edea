// What of the renderer runs in a browser: everything but writing files.
export { syntheticConditions, syntheticCrop, syntheticPerson } from './photo.js';
