// Whether pairs can be evaluated at all, told when a study is opened: after training it would be told once for every cell.
import { SphereFaceError, UsageError } from '../../common/errors.js';
import { MissingImagesError, resolvePairs } from '../../evaluation/index.js';
import type { EvaluationData } from '../evaluation-data.js';
import type { TestProtocol } from './schema.js';

/** Pairs as a study states them. */
export interface StatedPairs {
  /** The field of the study that states them: `test`, `validation.0`. */
  readonly field: string;
  readonly allowMissing: boolean;
  /** What is counted on them; validation pairs have a threshold only. */
  readonly protocol?: TestProtocol;
}

/** @throws UsageError for pairs with images that are not there, of one kind only, or too few for their folds. */
export function requireUsable({ pairFile, names }: EvaluationData, stated: StatedPairs): void {
  const { field, allowMissing, protocol } = stated;
  const { kept, missing } = resolvePairs(pairFile.pairs, names);
  if (missing.length > 0 && !allowMissing) {
    throw new UsageError(`Images of the pairs of ${field} are missing.`, {
      got: `${missing.length} of ${pairFile.pairs.length} pairs without, the first in line ${missing[0].line}: ${missing[0].reason}`,
      expected: `images of the names that ${field}.pairs has, for instance ${names.entries[0]?.file ?? 'any'}`,
      next: `correct ${field}.images, or go on without these pairs: --set ${field}.allowMissing=true`,
    });
  }
  const usable = [...kept].map((index) => pairFile.pairs[index]);
  const [matched, mismatched] = [true, false].map((same) => usable.filter((pair) => pair.same === same).length);
  const refuse = (expected: string): never => {
    throw new UsageError(`The pairs of ${field} cannot be evaluated.`, {
      got: `${matched} matched and ${mismatched} mismatched pairs with both images`,
      expected,
      next: `give other pairs: ${field}.pairs, or ${field}.holdOut for some of the data`,
    });
  };
  if (matched === 0 || mismatched === 0) refuse('pairs of both kinds');
  if (protocol !== '10-fold' && protocol !== 'k-fold') return;
  const { fold, folds } = pairFile;
  if (fold === undefined || folds === undefined) {
    // Folds by position are ten, and each takes of both kinds.
    if (Math.min(matched, mismatched) < 10) refuse(`ten of each kind at least, for the ten folds of ${protocol}`);
    return;
  }
  if (protocol === '10-fold' && folds !== 10) refuse(`ten folds in ${field}.pairs, not ${folds}; or protocol: k-fold`);
  const tested = new Set([...kept].map((index) => fold[index]));
  if (folds < 2 || tested.size < folds)
    refuse(`two folds at least, and usable pairs in each of the ${folds} of the file`);
}

/** An image that turned out unreadable when a cell was evaluated, in the words of a study; other errors as they are. */
export function inStudyWords(error: unknown, { field }: Pick<StatedPairs, 'field'>): unknown {
  if (!(error instanceof MissingImagesError)) return error;
  const { got } = error.parts;
  return new SphereFaceError(`Images of the pairs of ${field} cannot be used.`, {
    ...(got === undefined ? {} : { got }),
    next: `repair them, or go on without these pairs: --set ${field}.allowMissing=true`,
    cause: error,
  });
}
