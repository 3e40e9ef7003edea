// MODEL as an optional first argument: told apart by the number of arguments, with errors that say which one is missing.
import { describe, expect, it } from 'vitest';
import { UsageError } from '../common/errors.js';
import { type NeededArgument, tellModel } from './optional-model.js';

const needed: readonly NeededArgument[] = [
  ['a', 'a photo'],
  ['b', 'another'],
];

describe('tellModel', () => {
  it('takes one argument more than is needed for the model, whatever it is called', () => {
    expect(tellModel(['a.jpg', 'b.jpg'], needed)).toEqual({ model: undefined, others: ['a.jpg', 'b.jpg'] });
    for (const model of ['m.onnx', 'weights', 'M.ONNX']) {
      expect(tellModel([model, 'a.jpg', 'b.jpg'], needed)).toEqual({ model, others: ['a.jpg', 'b.jpg'] });
    }
  });

  it.each([
    [['a.jpg'], /An argument is missing[^]*got: a\.jpg[^]*expected: A B, or MODEL A B/],
    [['m.onnx', 'a.jpg'], /An argument is missing[^]*m\.onnx is the model/],
    [['m.onnx', 'a.jpg', 'b.jpg', 'c.jpg'], /too many arguments/],
  ])('refuses %j', (given, message) => {
    expect(() => tellModel(given, needed)).toThrow(UsageError);
    expect(() => tellModel(given, needed)).toThrow(message);
  });
});
