import { expect, it } from 'vitest';
import { counted } from './counted.js';

it('has the singular of one, and the plural of all others', () => {
  expect([0, 1, 2].map((count) => counted(count, 'thread'))).toEqual(['0 threads', '1 thread', '2 threads']);
  expect(counted(1, 'image was', 'images were')).toBe('1 image was');
});
