// Pair files and lists: reading them in every form, finding their images, drawing pairs, writing them.
export { balancedPairs, type DrawnPair, drawPairs, filesByIdentity, formatPairs, type PairDraw } from './draw.js';
export { defaultHoldOut, holdOut, type HoldOut, type HoldOutOptions } from './hold-out.js';
export { pairForms, parsePairs } from './forms.js';
export { type ListedImage, parseImageList } from './image-list.js';
export type { KnownImages } from './lines.js';
export type { Line, Pair, PairFile, PairForm, PairFormName } from './pair.js';
export { peopleOf, type PeopleOfPairs } from './people.js';
export { ImageNames, type MissingPair, type ResolvedPairs, resolvePairs } from './resolve.js';
