// Who is trained on and who is kept for the evaluation: the pipeline's second stage.
import { writeFileAtomic } from '../common/atomic.js';
import { SphereFaceError } from '../common/errors.js';
import { printableName } from '../common/printable.js';
import { formatPairs, holdOut, type HoldOutOptions } from '../evaluation/index.js';
import { listIdentities } from '../faces/identity-list.js';
import { fitsInLine, openImageSource } from '../images/index.js';
import { givenPairs } from './given-pairs.js';
import type { PipelineEvents } from './types.js';

/** What there is to divide. */
export interface DivisionTask {
  /** The folder of the crops. */
  readonly aligned: string;
  /** Becomes the list of those trained on. */
  readonly list: string;
  /** The pairs: a file that is there with its images, or one that is drawn. */
  readonly pairs:
    | { readonly file: string; readonly images: string; readonly given: true }
    | { readonly file: string; readonly given: false; readonly holdOut: Partial<HoldOutOptions> | undefined };
}

/** What came of it. */
export interface Division {
  readonly identities: number;
  readonly images: number;
  readonly heldOut: number;
  readonly matched: number;
  readonly mismatched: number;
}

/** Decides who is trained on; writes the list of them and, where no pairs are given, the pairs. */
export async function divide(
  { aligned, list: listFile, pairs }: DivisionTask,
  { onProgress, onWarning }: Pick<PipelineEvents, 'onProgress' | 'onWarning'>,
): Promise<Division> {
  await using source = await openImageSource(aligned);
  let heldOut: readonly string[] = [];
  let evaluated: readonly { readonly same: boolean }[];
  if (pairs.given) {
    await using pairSource = await openImageSource(pairs.images);
    const given = await givenPairs(pairs.file, pairSource);
    evaluated = given.pairs;
    // People of pairs with photos of their own may be in both sets by name alone.
    if (pairs.images === aligned) heldOut = given.identities;
    for (const warning of given.warnings) onWarning?.(warning);
  } else {
    const writable = source.entries.filter(({ file }) => fitsInLine(file));
    const division = holdOut(writable, pairs.holdOut);
    heldOut = division.heldOut;
    evaluated = division.pairs;
    await writeFileAtomic(pairs.file, formatPairs(division.pairs));
  }
  const list = await listIdentities({
    source,
    exclude: heldOut,
    progress: (done) => {
      onProgress?.(done, source.entries.length, 'images');
    },
  });
  for (const file of list.unlistable) {
    onWarning?.(`${printableName(file)} is left out: no line of a list can hold this path`);
  }
  for (const { identities, files } of list.duplicates.filter((group) => group.identities.length > 1)) {
    onWarning?.(`the same picture under ${identities.join(' and ')}: ${files.join(', ')}`);
  }
  if (list.identities.length < 2) {
    throw new SphereFaceError('Too few people are left to train on.', {
      got: `${list.identities.length}, after ${heldOut.length} were held out`,
      expected: 'two at least; some hundred for a model worth having',
      next: 'add people, or give the photos of the pairs apart with --pair-photos',
    });
  }
  await writeFileAtomic(listFile, list.lines.map((line) => `aligned/${line}\n`).join(''));
  return {
    identities: list.identities.length,
    images: list.lines.length,
    heldOut: heldOut.length,
    matched: evaluated.filter(({ same }) => same).length,
    mismatched: evaluated.filter(({ same }) => !same).length,
  };
}
