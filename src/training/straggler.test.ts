// Which rank the others wait for.
import { expect, it } from 'vitest';
import { stragglerOf } from './straggler.js';

it('names the slowest rank when the others wait for it', () => {
  const straggler = stragglerOf([1, 1.1, 2, 0.9]);
  expect(straggler?.rank).toBe(2);
  expect(straggler?.inWords({ hosts: ['a', 'a', 'b', 'b'] })).toMatch(
    /^rank 2 on b is slow: 2\.00 s .* median is 1\.00 s/,
  );
  expect(stragglerOf([1.5, 1])?.rank).toBe(0);
});

it('names none when they take about the same, or there is one alone', () => {
  expect(stragglerOf([1, 1.1, 1.2, 0.98])).toBeUndefined();
  expect(stragglerOf([1])).toBeUndefined();
  expect(stragglerOf([0.001, 0.002])).toBeUndefined();
});
