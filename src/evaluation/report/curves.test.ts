// What curves look like as text: their points, bands, axes and legends.
import { describe, expect, it } from 'vitest';
import { power } from './chart.js';
import { curveLegend, curvesChart } from './curves.js';

describe('power', () => {
  it.each([
    [0.001, '10⁻³'],
    [0.1, '10⁻¹'],
    [1, '1'],
    [10, '10'],
    [1000, '10³'],
    [1e12, '10¹²'],
  ])('%f is %s', (value, text) => {
    expect(power(value)).toBe(text);
  });
});

describe('curvesChart', () => {
  const options = { x: 'iteration', y: 'loss', description: 'a "loss"' };

  it('draws a line for each curve and a band where there is one', () => {
    const points = [
      [0, 1],
      [10, 2],
    ] as const;
    const plain = curvesChart([{ points }, { points: [] }, { points }], options).text;
    expect(plain).toContain('aria-label="a  loss "');
    expect(plain).toContain('stroke="#1d5a8c"');
    expect(plain).not.toContain('stroke="#c8641b"');
    expect(plain).toContain('stroke="#2f7d4f"');
    expect(plain).not.toContain('fill="#1d5a8c"');
    const band = [
      [0, 0.5, 1.5],
      [10, -4, 6],
    ] as const;
    const banded = curvesChart([{ points, band }], options).text;
    expect(banded).toContain('fill="#1d5a8c"');
    // The axis makes room for the band.
    expect(banded).toMatch(/>6</);
  });

  it('begins a logarithmic axis at a power of ten, and keeps to a range', () => {
    const points = [
      [1 / 300, 0.2],
      [1, 1],
    ] as const;
    const text = curvesChart([{ points }], { ...options, xScale: 'log', yRange: [0, 1] }).text;
    expect(text).toContain('>10⁻³<');
    expect(text).not.toContain('>1.2<');
  });
});

describe('curveLegend', () => {
  it('shows names beside the strokes of their curves, escaped', () => {
    const { text } = curveLegend(['a<b', 'c']);
    expect(text).toMatch(/stroke="#1d5a8c"[^]*a&lt;b[^]*stroke="#c8641b"[^]*stroke-dasharray="6 3"[^]*c/);
  });
});
