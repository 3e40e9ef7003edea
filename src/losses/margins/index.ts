// The margins by their type.
import type { z } from 'zod';
import { Registry } from '../../common/registry.js';
import * as list from './list.js';
import { marginKind } from './margin.js';

type BuiltInMargin = (typeof list)[keyof typeof list];

/** The options of the margins of this package, as people write them and as they are read. */
export type MarginOptionsInput = z.input<BuiltInMargin['schema']>;
export type MarginOptions = z.output<BuiltInMargin['schema']>;

/** The columns that they add to the log. */
export type MarginColumn = BuiltInMargin extends infer M ? (M extends { columns: infer C } ? keyof C : never) : never;

/** The margins of this package. */
export const margins = new Registry(marginKind, Object.values(list));
