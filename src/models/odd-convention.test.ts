import { describe, expect, it } from 'vitest';
import { oddConvention } from './odd-convention.js';

const even = (mean: number, scale: number) => ({ mean: [mean, mean, mean], scale: [scale, scale, scale] }) as const;

describe('a convention', () => {
  it.each([even(0, 1), even(0, 255), even(127.5, 128), even(123.675, 1), even(128, 1)])('may be meant: %j', (spec) => {
    expect(oddConvention(spec)).toBeUndefined();
  });

  it('for pixels from 0 to 1 is given for 0 to 255', () => {
    expect(oddConvention(even(0.5, 0.5))).toMatch(
      /mean \[127\.5, 127\.5, 127\.5\] and scale \[127\.5, 127\.5, 127\.5\]/,
    );
    expect(oddConvention({ mean: [0.485, 0.456, 0.406], scale: [0.229, 0.224, 0.225] })).toMatch(
      /made for 0 to 1.* mean \[123\.675, 116\.28, 103\.53\] and scale \[58\.395, 57\.12, 57\.375\]/,
    );
  });

  it('with a factor is given with the divisor', () => {
    expect(oddConvention(even(127.5, 1 / 128))).toMatch(/a factor here.* mean \[127\.5.* scale \[128, 128, 128\]/);
    expect(oddConvention(even(0, 1 / 255))).toMatch(/scale \[255, 255, 255\]/);
  });
});
