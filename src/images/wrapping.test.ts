import { describe, expect, it } from 'vitest';
import { wrappingOf } from './wrapping.js';

const people = (prefix: string) => ['anna/1.jpg', 'anna/2.jpg', 'ben/1.jpg'].map((path) => `${prefix}${path}`);

describe('the folders around a set', () => {
  it.each([
    ['none', people(''), ''],
    ['one', people('photos/'), 'photos/'],
    ['two', people('backup/photos/'), 'backup/photos/'],
    ['one with a stray in it', ['photos/cover.jpg', ...people('photos/')], 'photos/'],
    ['one with a stray beside it', ['cover.jpg', ...people('photos/')], 'photos/'],
    ['two with a stray between them', ['backup/cover.jpg', ...people('backup/photos/')], 'backup/photos/'],
    ['one around a single person', ['photos/anna/1.jpg', 'photos/anna/2.jpg'], 'photos/'],
    ['none: one person', ['anna/1.jpg', 'anna/2.jpg'], ''],
    ['none: one person with another folder', ['anna/1.jpg', 'anna/more/2.jpg', 'anna/more/3.jpg'], ''],
    [
      'none: a person who has more images than her folders',
      ['anna/1.jpg', 'anna/2.jpg', 'anna/a/3.jpg', 'anna/b/4.jpg'],
      '',
    ],
    ['none: no folder', ['1.jpg', '2.jpg'], ''],
    ['none: no image', [], ''],
  ])('%s', (_, paths, prefix) => {
    expect(wrappingOf(paths).prefix).toBe(prefix);
  });

  it('are counted from below: the people', () => {
    expect(wrappingOf(people('photos/'))).toEqual({ prefix: 'photos/', folders: 2 });
  });
});
