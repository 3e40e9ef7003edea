// Answers claim no more than was worked out.
import { describe, expect, it } from 'vitest';
import { sentenceOf } from './sentences.js';

const comparison = {
  ...{ arm: 'b', against: 'a', seeds: [1, 2], pairs: 40, difference: 0.01, probability: 0.5, adjusted: 0.75 },
  interval: { low: -0.01, high: 0.02 },
};

describe('the sentence of a comparison', () => {
  it.each([
    [{ compared: 1, asked: 1 }, /sign-flip p 0\.50\)/],
    [{ compared: 3, asked: 3 }, /0\.75 corrected for 3 comparisons\)/],
    [{ compared: 2, asked: 3 }, /0\.75 corrected for the 2 of 3 comparisons that can be made yet\)/],
  ])('says what its probability is corrected for: %j', (family, expected) => {
    expect(sentenceOf(comparison, family, 0.95)).toMatch(expected);
  });
});
