// Input conventions that cannot be meant: written for pixels from 0 to 1, or with a factor where a divisor belongs.
import type { InputSpec } from '../images/input.js';

type Three = readonly [number, number, number];

/** Divisors below this would make inputs of several thousands: factors such as 1/255 and 1/128 are meant. */
const leastDivisor = 0.02;

/**
 * Why a convention looks wrong, and what it would be for (pixel − mean) / scale with pixels from 0 to 255; `undefined` where it does not.
 * No mean and a scale of 1 are right for networks that scale pixels themselves.
 */
export function oddConvention({ mean, scale }: Pick<InputSpec, 'mean' | 'scale'>): string | undefined {
  if (scale.every((value) => Math.abs(value) < leastDivisor)) {
    return oddity(
      'scale is a divisor, and looks like a factor here',
      mean,
      by(scale, (value) => 1 / value),
    );
  }
  const unchanged = mean.every((value) => value === 0) && scale.every((value) => value === 1);
  if (unchanged || [...mean, ...scale].some((value) => Math.abs(value) > 1)) return undefined;
  const reason = 'mean and scale are for pixels from 0 to 255, and look as if made for 0 to 1';
  return oddity(
    reason,
    by(mean, (value) => value * 255),
    by(scale, (value) => value * 255),
  );
}

function oddity(reason: string, mean: Three, scale: Three): string {
  const list = (values: Three): string => `[${values.map((value) => Number(value.toPrecision(6))).join(', ')}]`;
  return `${reason}: if so, give mean ${list(mean)} and scale ${list(scale)} instead`;
}

function by([a, b, c]: Three, change: (value: number) => number): Three {
  return [change(a), change(b), change(c)];
}
