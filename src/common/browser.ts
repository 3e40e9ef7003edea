// What of the common parts runs in a browser.
export { messageOf, SphereFaceError, UsageError } from './errors.js';
export { Lifetime } from './lifetime.js';
export { Random } from './random.js';
