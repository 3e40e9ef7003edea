// How the crops of a run were aligned: what the recipe, the start and the data state of it must be one thing.
import { SphereFaceError } from '../common/errors.js';
import {
  type AlignmentSpec,
  alignmentAsTaken,
  type CropFit,
  describeAlignment,
  type InputSpec,
  publishedInput,
  sameAlignment,
} from '../images/index.js';

/** An alignment, and who states it; nobody does where the default is only assumed. */
export interface RunAlignment {
  readonly alignment: AlignmentSpec;
  readonly statedBy: readonly string[];
}

/** The statements that meet in a run; absent where nothing is stated. */
export interface AlignmentStatements {
  readonly recipe?: AlignmentSpec;
  readonly start?: { readonly name: string; readonly alignment: AlignmentSpec };
  /** With what becomes of narrow crops where wide ones are wanted. */
  readonly data?: { readonly name: string; readonly alignment: AlignmentSpec; readonly fit?: CropFit };
}

/**
 * The alignment that all statements agree on.
 * @param input the recipe's: its size decides whether wide crops are cut, and its alignment is assumed where nobody states one.
 * @throws SphereFaceError naming two statements that contradict each other.
 */
export function agreedAlignment(input: InputSpec, { recipe, start, data }: AlignmentStatements): RunAlignment {
  const stated = [
    ...(recipe === undefined ? [] : [{ by: 'the recipe', alignment: recipe }]),
    ...(start === undefined ? [] : [{ by: `the start, ${start.name},`, alignment: start.alignment }]),
    ...(data === undefined
      ? []
      : [{ by: `the crops of ${data.name}`, alignment: alignmentAsTaken(data.alignment, input, data.fit) }]),
  ];
  const [first] = stated;
  if (first === undefined) return { alignment: input.alignment, statedBy: [] };
  for (const { by, alignment } of stated) {
    if (sameAlignment(alignment, first.alignment)) continue;
    throw new SphereFaceError('The crops, the recipe and the start do not agree on how faces are aligned.', {
      got: `${by}: ${describeAlignment(alignment)}`,
      expected: `${describeAlignment(first.alignment)}, as ${first.by} states`,
      next: 'align the photos as the start was (sphereface prepare --solver), or leave input.alignment out of the recipe: it is taken from the crops',
    });
  }
  return { alignment: first.alignment, statedBy: stated.map(({ by }) => by) };
}

/** The recipe's alignment where it is not the default, which nobody may have thought about. */
export function ownAlignment({ alignment }: InputSpec): AlignmentSpec | undefined {
  return sameAlignment(alignment, publishedInput.alignment) ? undefined : alignment;
}
