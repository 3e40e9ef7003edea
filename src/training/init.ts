// Starting from another model: parameters are copied by name, the classifier's rows by their identities' names, and what matched and
// what did not is reported.
import { isOfClassifier } from '../nn/index.js';
import { SphereFaceError, UsageError } from '../common/errors.js';
import type { Tensor, Weights } from '../models/index.js';
import type { ParameterSpec } from '../nn/index.js';
import { classifierName } from './network.js';

/** How a classifier's rows find their place in another one. */
export const initRowsModes = ['by-name', 'by-position', 'fresh'] as const;

/**
 * `by-name`: rows of the identities that both have; `by-position`: all rows as they stand, for a model without names that was trained on
 * the same people in the same order; `fresh`: none, all rows are random. But for `fresh`, identities without a row of the model get one
 * from their own images.
 */
export type InitRows = (typeof initRowsModes)[number];

/** What became of a classifier's rows. */
export interface RowsReport {
  readonly mode: InitRows;
  /** Identities whose row was copied. */
  readonly matched: readonly string[];
  /** Identities of the data that the model does not have. */
  readonly fresh: readonly string[];
  /** Identities of the model that the data does not have. */
  readonly leftBehind: readonly string[];
}

/** What became of the parameters of the network and of the model they were to come from. */
export interface InitReport {
  /** Copied, the classifier if a row of it was. */
  readonly copied: readonly string[];
  /** In both, but of different shapes: the network keeps its fresh values. */
  readonly differing: readonly {
    readonly name: string;
    readonly network: readonly number[];
    readonly model: readonly number[];
  }[];
  /** Only in the network, or not to be copied: fresh values. */
  readonly fresh: readonly string[];
  /** Only in the model. */
  readonly unused: readonly string[];
  /** Absent where the model has no classifier, or one of another embedding size. */
  readonly rows?: RowsReport;
  /** Identities without a row of the model whose row is the direction of their images' mean embedding; see centred-rows.ts. */
  readonly centred?: readonly string[];
}

/** The network that is to be filled. */
export interface InitTarget {
  readonly specs: readonly ParameterSpec[];
  /** Written in place. */
  readonly values: ReadonlyMap<string, Float32Array>;
  /** The identity of each row of the classifier. */
  readonly identities: readonly string[];
  /** The first row of the classifier that `values` has, where it is divided. Default 0. */
  readonly firstRow?: number;
}

/**
 * Copies parameters by name, and the rows of the classifier by `mode`. Momentum is not copied.
 * @param path names the model in errors.
 * @throws UsageError when rows are to be matched by name and the model does not say whose they are, or by position and there is another
 *   number of them; SphereFaceError when no parameter matches: the model belongs to another kind of network.
 */
export function initializeFrom(target: InitTarget, model: Weights, mode: InitRows, path: string): InitReport {
  const copied: string[] = [];
  const differing: { name: string; network: readonly number[]; model: readonly number[] }[] = [];
  const fresh: string[] = [];
  let rows: RowsReport | undefined;
  for (const spec of target.specs) {
    const { name, role, shape } = spec;
    const given = model.parameters.get(name);
    if (given === undefined || (mode === 'fresh' && isOfClassifier(spec))) {
      fresh.push(name);
    } else if (role === 'classifier' && given.shape[1] === shape[1] && canPlace(given, model, mode, target, path)) {
      rows = copyRows(target, { rows: given, identities: model.identities }, mode);
      (rows.matched.length === 0 ? fresh : copied).push(name);
    } else if (given.shape.join() !== shape.join()) {
      differing.push({ name, network: shape, model: given.shape });
    } else {
      target.values.get(name)!.set(given.data);
      copied.push(name);
    }
  }
  if (copied.length === 0) throw nothingFits(target.specs, model);
  const own = new Set(target.specs.map(({ name }) => name));
  const unused = [...model.parameters.keys()].filter((name) => !own.has(name));
  return { copied, differing, fresh, unused, ...(rows === undefined ? {} : { rows }) };
}

/** Whether rows can find their place at all; without names and with another number of them they cannot. */
function canPlace(given: Tensor, model: Weights, mode: InitRows, { identities }: InitTarget, path: string): boolean {
  const [count] = given.shape;
  const sameNumber = count === identities.length;
  if (mode === 'by-position') {
    if (sameNumber) return true;
    throw new UsageError(`The classifier of ${path} cannot be copied by position.`, {
      got: `${count} rows`,
      expected: `${identities.length}, one for each identity of the data`,
      next: 'leave --init-rows out: rows are matched by name, or start fresh',
    });
  }
  if (model.identities !== undefined) {
    if (model.identities.length === count) return true;
    throw new SphereFaceError(`${path} contradicts itself about its classifier.`, {
      got: `${count} rows and ${model.identities.length} names`,
      expected: 'a name for each row',
    });
  }
  if (!sameNumber) return false;
  throw new UsageError(`${path} does not say whose rows its classifier has, so they cannot be matched by name.`, {
    got: `${count} rows without names, as in models of version 0.1 and from elsewhere`,
    expected: 'the name of each row',
    next: 'give --init-rows by-position (initRows) if it was trained on these people in this order, or --init-rows fresh to take its backbone alone',
  });
}

/** Copies rows of the model's classifier [identities, size] into the network's. */
function copyRows(
  { values, identities, firstRow = 0 }: InitTarget,
  model: { readonly rows: Tensor; readonly identities: readonly string[] | undefined },
  mode: InitRows,
): RowsReport {
  const target = values.get(classifierName)!;
  const [, size] = model.rows.shape;
  const names = mode === 'by-position' ? identities : model.identities!;
  const rowOf = new Map(names.map((name, row) => [name, row]));
  for (let row = 0; row * size < target.length; row++) {
    const from = rowOf.get(identities[firstRow + row]);
    if (from !== undefined) target.set(model.rows.data.subarray(from * size, (from + 1) * size), row * size);
  }
  const own = new Set(identities);
  return {
    mode,
    matched: identities.filter((name) => rowOf.has(name)),
    fresh: identities.filter((name) => !rowOf.has(name)),
    leftBehind: names.filter((name) => !own.has(name)),
  };
}

function nothingFits(specs: readonly ParameterSpec[], { parameters }: Weights): SphereFaceError {
  return new SphereFaceError('No parameter of the model fits the network of the recipe.', {
    got: `${[...parameters.keys()].slice(0, 4).join(', ') || 'no parameters'}, …`,
    expected: `${specs
      .slice(0, 4)
      .map(({ name, shape }) => `${name} [${shape.join(', ')}]`)
      .join(', ')}, …`,
    next: 'use the recipe that the model was trained with, or set network.depth, widths and embeddingSize to its own',
  });
}
