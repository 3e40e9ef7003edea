// What a pair file holds, whatever its form, and what a form of pair file is.

/** One pair of a pair file. */
export interface Pair {
  /** Line number in the file, from 1. */
  readonly line: number;
  /** The two images as the file means them: paths, for LFW without extension (`Name/Name_0001`). */
  readonly a: string;
  readonly b: string;
  readonly same: boolean;
}

/** The forms of pair files (`forms.ts` lists them). */
export type PairFormName = 'list' | 'label-first' | 'two-line' | 'lfw' | 'table';

/** A parsed pair file. */
export interface PairFile {
  readonly format: PairFormName;
  readonly pairs: readonly Pair[];
  /** The fold of each pair and their number, where the file states folds (LFW view 2, a column `fold`). */
  readonly fold?: Uint32Array;
  readonly folds?: number;
}

/** A line of a file, cut into words. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly words: readonly string[];
}

/** A form of pair file: how its lines are told, and what they mean. */
export interface PairForm {
  readonly name: PairFormName;
  /** Its lines, as errors show them. */
  readonly looks: string;
  /**
   * The lines that hold pairs, their words in the form's own order: without what is announced before them (counts, a
   * header). `undefined` where an announcement is needed and there is none.
   */
  body(lines: readonly Line[]): readonly Line[] | undefined;
  /** Whether a line of the body can be one of this form. */
  fits(line: Line): boolean;
  /**
   * The pairs of a body all of whose lines fit.
   * @param announcement the lines before the body
   * @throws UsageError with the line number where lines contradict each other
   */
  parse(body: readonly Line[], announcement: readonly Line[], name: string): PairFile;
}
