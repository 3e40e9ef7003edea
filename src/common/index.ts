// What the commands use of the common parts: errors, whole-or-nothing files, the version.
export { writeFileAtomic } from './atomic.js';
export { withoutMark } from './byte-order-mark.js';
export { counted } from './counted.js';
export { type ErrorParts, InterruptedError, lineOf, messageOf, SphereFaceError, UsageError } from './errors.js';
export { printable, printableName } from './printable.js';
export type { SchemaField } from './schema-fields.js';
export { keepTemporary, markTemporary } from './temporary.js';
export { packageVersion } from './version.js';
export { writing } from './writing.js';
export { requireWritableFile, requireWritableFolder } from './writable.js';
