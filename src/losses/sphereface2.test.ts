// The bias that SphereFace2 starts with, for any number of classes and any scale.
import { expect, it } from 'vitest';
import { sphereFace2 } from './margins/sphereface2.js';
import { sphereFace2Bias } from './index.js';

const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const settings = [2, 3, 4, 10, 1e6].flatMap((classes) =>
  [30, 40, 64, 128].flatMap((scale) => [0, 0.4, 0.5].map((margin) => ({ classes, scale, margin }))),
);

it.each(settings)('at cosines of zero pairs pull equally: %o', ({ classes, scale, margin }) => {
  const options = sphereFace2.schema.parse({ type: 'sphereface2', scale, margin });
  const bias = sphereFace2Bias(classes, options);
  // g(0) = 2 / 2^3 − 1; logarithms of both sides, which reach e^−100.
  const pull = Math.log(options.balance) - softplus(scale * (-0.75 - margin) + bias);
  const push = Math.log((1 - options.balance) * (classes - 1)) - softplus(-(scale * (-0.75 + margin) + bias));
  // Float64, of terms up to 128.
  expect(Math.abs(pull - push)).toBeLessThan(1e-10);
  expect(sphereFace2.uninformedLoss(options, classes)).toBeGreaterThan(0);
  expect(sphereFace2.uninformedLoss(options, classes)).toBeLessThan(Infinity);
});

it.each([0, 1])('a share of %d for one kind of pairs is refused: there is nothing to balance', (balance) => {
  expect(() => sphereFace2.schema.parse({ type: 'sphereface2', balance })).toThrow(/balance/);
});
