// Small numeric helpers of the renderer: ramps, bumps, colours and seeded value noise. No Node, no allocation in loops.

/** A colour in linear light, each component in 0 … 1 (more for highlights). */
export type Colour = readonly [number, number, number];

export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

export function mix(from: number, to: number, amount: number): number {
  return from + (to - from) * amount;
}

/** 0 below `from`, 1 above `to`, smooth between; `from` may be the larger one, which reverses the ramp. */
export function smoothstep(from: number, to: number, value: number): number {
  const t = clamp((value - from) / (to - from), 0, 1);
  return t * t * (3 - 2 * t);
}

/** A Gaussian bump of height 1: `exp(-(x/sx)² - (y/sy)²)`, and exactly 0 from 2.6 widths on. */
export function bump(x: number, y: number, sx: number, sy: number): number {
  const u = x / sx;
  const v = y / sy;
  const q = u * u + v * v;
  return q > 6.8 ? 0 : Math.exp(-q);
}

export function mixColour(from: Colour, to: Colour, amount: number): Colour {
  return [mix(from[0], to[0], amount), mix(from[1], to[1], amount), mix(from[2], to[2], amount)];
}

export function scaleColour(colour: Colour, factor: number): Colour {
  return [colour[0] * factor, colour[1] * factor, colour[2] * factor];
}

/** From 8-bit sRGB to linear light, with the plain power law of 2.2 that the camera model inverts. */
export function fromSrgb(red: number, green: number, blue: number): Colour {
  return [(red / 255) ** 2.2, (green / 255) ** 2.2, (blue / 255) ** 2.2];
}

/** The colour at `position` (0 … 1) along an evenly spaced ramp of colours. */
export function ramp(colours: readonly Colour[], position: number): Colour {
  const at = clamp(position, 0, 1) * (colours.length - 1);
  const index = Math.min(Math.floor(at), colours.length - 2);
  return mixColour(colours[index], colours[index + 1], at - index);
}

/** A hash of a lattice point to 0 … 1 (Wellons' lowbias32 on a mix of the coordinates). */
function lattice(seed: number, x: number, y: number): number {
  let h = (seed ^ Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/** Value noise: −1 … 1, smooth, period of about one unit, determined by `seed`. */
export function noise(seed: number, x: number, y: number): number {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const u = x - x0;
  const v = y - y0;
  const su = u * u * (3 - 2 * u);
  const sv = v * v * (3 - 2 * v);
  const top = mix(lattice(seed, x0, y0), lattice(seed, x0 + 1, y0), su);
  const bottom = mix(lattice(seed, x0, y0 + 1), lattice(seed, x0 + 1, y0 + 1), su);
  return 2 * mix(top, bottom, sv) - 1;
}
