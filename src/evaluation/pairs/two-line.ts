// The pair files of CALFW and CPLFW: a pair is two neighbouring lines of an image and a label each.
import { UsageError } from '../../common/errors.js';
import { labelOf } from './labels.js';
import type { PairForm } from './pair.js';

/**
 * `Ann_0001.jpg 3` above `Ann_0004.jpg 3`. CPLFW labels pairs 1 and 0; CALFW numbers the folds of matched pairs from 1
 * and writes 0 for mismatched ones, whose folds it does not state. Source: pairs_CALFW.txt and pairs_CPLFW.txt of
 * Zheng et al., "Cross-Age LFW" (2017) and "Cross-Pose LFW" (2018).
 */
export const twoLine: PairForm = {
  name: 'two-line',
  looks: '`path label`, a pair on two neighbouring lines (CALFW, CPLFW)',
  body: (lines) => lines,
  fits: ({ words }) => words.length === 2 && sameness(words[1]) !== undefined,
  parse: (body, _, name) => ({
    format: 'two-line',
    pairs: Array.from({ length: Math.ceil(body.length / 2) }, (_, i) => {
      const [first, second] = body.slice(2 * i, 2 * i + 2);
      if (second === undefined || first.words[1] !== second.words[1]) {
        throw new UsageError(`${name}, line ${first.number} begins a pair that the next line does not end`, {
          got: `${first.words.join(' ')}, then ${second?.words.join(' ') ?? 'the end of the file'}`,
          expected: 'two lines with the same label for each pair',
        });
      }
      return { line: first.number, a: first.words[0], b: second.words[0], same: sameness(first.words[1]) === true };
    }),
  }),
};

function sameness(word: string): boolean | undefined {
  return /^\d+$/.test(word) ? Number(word) > 0 : labelOf(word);
}
