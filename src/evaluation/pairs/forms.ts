// The table of pair file forms, and the choice among them: by the whole file, and by what images there are.
import { UsageError } from '../../common/errors.js';
import { lfw } from './lfw.js';
import { cutLines, type KnownImages } from './lines.js';
import { labelFirst, labelLast } from './list.js';
import type { Line, PairFile, PairForm } from './pair.js';
import { table } from './table.js';
import { twoLine } from './two-line.js';

/** All forms, in the order in which they are preferred where a file could have several. */
export const pairForms: readonly PairForm[] = [table, labelLast, labelFirst, twoLine, lfw];

/** A form that a file might have, with its lines cut for it. */
interface Candidate {
  readonly form: PairForm;
  readonly announcement: readonly Line[];
  readonly body: readonly Line[];
}

/**
 * Reads a pair file of any form in {@link pairForms}, with words separated by tabs, blanks, commas or semicolons. The form
 * is one that every line fits; where there are several (`0001 0002 1`: two images, or two images of the person 0001?), the
 * one that names most of the known images.
 *
 * @param name how to call the file in errors
 * @param known the images there are
 * @throws UsageError with the line number for a line that does not fit, and for a file that contradicts itself
 */
export function parsePairs(text: string, name: string, known?: KnownImages): PairFile {
  const cuts = cutLines(text, known);
  if (cuts[0].length === 0) throw new UsageError(`${name} holds no pairs`, { expected: 'a line per pair' });
  const candidates = cuts.flatMap((lines) => pairForms.flatMap((form) => candidate(form, lines)));
  const fitting = candidates.filter(({ form, body }) => body.every((line) => form.fits(line)));
  if (fitting.length === 0) throw misfit(candidates, name);
  const { form, body, announcement } = mostKnown(fitting, name, known);
  return form.parse(body, announcement, name);
}

function candidate(form: PairForm, lines: readonly Line[]): Candidate[] {
  const body = form.body(lines);
  return body === undefined || body.length === 0
    ? []
    : [{ form, body, announcement: lines.slice(0, lines.length - body.length) }];
}

function mostKnown(candidates: readonly Candidate[], name: string, known: KnownImages | undefined): Candidate {
  const [first] = candidates;
  if (known === undefined || candidates.length === 1) return first;
  const counts = candidates.map(({ form, body, announcement }) => {
    try {
      const { pairs } = form.parse(body, announcement, name);
      return pairs.reduce((sum, { a, b }) => sum + Number(known.hasImage(a)) + Number(known.hasImage(b)), 0);
    } catch {
      return -1; // It contradicts itself as this form; if it is no other, the error comes when it is parsed for good.
    }
  });
  return candidates[counts.indexOf(Math.max(...counts))];
}

/** The error for a file that has no form: the first line that breaks the form that most lines have. */
function misfit(candidates: readonly Candidate[], name: string): UsageError {
  const rated = candidates.map((candidate) => {
    const { form, body, announcement } = candidate;
    return { ...candidate, fitting: body.filter((line) => form.fits(line)).length + announcement.length };
  });
  const best = rated.reduce((a, b) => (b.fitting > a.fitting ? b : a));
  const wrong = best.body.find((line) => !best.form.fits(line)) ?? best.body[0];
  const forms = best.fitting > 0 ? [best.form] : pairForms;
  return new UsageError(`${name}, line ${wrong.number} is not a pair`, {
    got: wrong.words.join(' '),
    expected: forms.map(({ looks }) => looks).join('; '),
    next:
      best.fitting > 0
        ? 'correct the line, or separate its words by tabs if a path holds blanks'
        : 'write the pairs in one of these forms; separate the words by tabs if a path holds blanks',
  });
}
