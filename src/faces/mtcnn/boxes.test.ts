// The arithmetic between the networks, against the published code's formulas written out.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import {
  type Candidate,
  generateCandidates,
  isUsable,
  pyramidScales,
  regressBox,
  regressProposal,
  suppress,
  toSquare,
} from './boxes.js';

describe('pyramidScales', () => {
  it('begins at 12 / minSize and ends before the picture is smaller than 12', () => {
    const scales = pyramidScales(250, 250, 20, 0.85);
    expect(scales[0]).toBe(0.6);
    expect(scales).toHaveLength(16);
    scales.forEach((scale, i) => {
      expect(scale).toBeCloseTo(0.6 * 0.85 ** i, 12);
    });
    expect(250 * scales.at(-1)!).toBeGreaterThanOrEqual(12);
    expect(250 * scales.at(-1)! * 0.85).toBeLessThan(12);
  });

  it('goes by the shorter side, and is empty for a picture without room for a face', () => {
    expect(pyramidScales(1000, 50, 20, 0.7)).toEqual(pyramidScales(50, 50, 20, 0.7));
    expect(pyramidScales(19, 500, 20, 0.85)).toEqual([]);
    expect(pyramidScales(20, 500, 20, 0.85)).toEqual([0.6]);
  });
});

describe('generateCandidates', () => {
  it('turns cells into boxes of the picture (generateBoundingBox.m)', () => {
    // A map of 3 × 4 cells with one sure face at column 2, row 1; it is the part of a level that begins at row 10.
    const probability = new Float32Array(12);
    probability[1 * 4 + 2] = 0.75;
    const offsets = Float32Array.from({ length: 48 }, (_, i) => i);
    const [found, ...rest] = generateCandidates(probability, offsets, 4, 10, 0.3, 0.6);
    expect(rest).toEqual([]);
    // 0-based cell (2, 11): fix((2 · cell + 1) / scale), fix((2 · cell + 12) / scale).
    expect(found.box).toEqual({ x1: 16, y1: 76, x2: 53, y2: 113, score: 0.75 });
    expect(found.offsets).toEqual([6, 18, 30, 42]);
  });

  it('takes a cell exactly at the threshold', () => {
    const at = Float32Array.of(0.5, 0.49);
    expect(generateCandidates(at, new Float32Array(8), 2, 0, 1, 0.5)).toHaveLength(1);
  });
});

/** nms.m, line by line, without any shortcut. */
function suppressPlainly(boxes: readonly Candidate[], threshold: number, measure: 'union' | 'smaller'): number[] {
  const area = boxes.map(({ x1, y1, x2, y2 }) => (x2 - x1 + 1) * (y2 - y1 + 1));
  let open = boxes.map((_, i) => i).sort((a, b) => boxes[a].score - boxes[b].score);
  const kept: number[] = [];
  while (open.length > 0) {
    const i = open.pop()!;
    kept.push(i);
    open = open.filter((j) => {
      const w = Math.max(0, Math.min(boxes[i].x2, boxes[j].x2) - Math.max(boxes[i].x1, boxes[j].x1) + 1);
      const h = Math.max(0, Math.min(boxes[i].y2, boxes[j].y2) - Math.max(boxes[i].y1, boxes[j].y1) + 1);
      const whole = measure === 'union' ? area[i] + area[j] - w * h : Math.min(area[i], area[j]);
      return (w * h) / whole <= threshold;
    });
  }
  return kept;
}

describe('suppress', () => {
  it.each(['union', 'smaller'] as const)('agrees with the plain algorithm (%s)', (measure) => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.integer(),
        fc.double({ min: 0.1, max: 0.9, noNaN: true }),
        (count, seed, threshold) => {
          const random = new Random(seed);
          const boxes = Array.from({ length: count }, () => {
            const [x1, y1] = [random.integer(40), random.integer(40)];
            // Few different scores, so that ties occur.
            return { x1, y1, x2: x1 + random.integer(30), y2: y1 + random.integer(30), score: random.integer(8) / 8 };
          });
          expect(suppress(boxes, threshold, measure)).toEqual(suppressPlainly(boxes, threshold, measure));
        },
      ),
    );
  });

  it('measures against the union or the smaller box', () => {
    const big = { x1: 0, y1: 0, x2: 19, y2: 19, score: 0.9 };
    const inside = { x1: 5, y1: 5, x2: 14, y2: 14, score: 0.8 };
    expect(suppress([big, inside], 0.7, 'union')).toEqual([0, 1]); // 100 / 400
    expect(suppress([big, inside], 0.7, 'smaller')).toEqual([0]); // 100 / 100
  });
});

describe('regression', () => {
  const box = { x1: 11, y1: 21, x2: 30, y2: 60, score: 0.5 };

  it('moves corners in units of the box size, with and without the extra pixel', () => {
    expect(regressProposal(box, [0.1, 0.1, -0.1, 0.2])).toEqual({
      x1: 11 + 0.1 * 19,
      y1: 21 + 0.1 * 39,
      x2: 30 - 0.1 * 19,
      y2: 60 + 0.2 * 39,
      score: 0.5,
    });
    expect(regressBox(box, [0.1, 0.1, -0.1, 0.2])).toEqual({
      x1: 11 + 0.1 * 20,
      y1: 21 + 0.1 * 40,
      x2: 30 - 0.1 * 20,
      y2: 60 + 0.2 * 40,
      score: 0.5,
    });
  });

  it('squares around the centre and cuts off toward zero', () => {
    expect(toSquare({ x1: 10.5, y1: 20.25, x2: 30.5, y2: 60.25, score: 1 })).toEqual({
      x1: 0,
      y1: 20,
      x2: 40,
      y2: 60,
      score: 1,
    });
    const negative = toSquare({ x1: -10.5, y1: -0.5, x2: 9.5, y2: 19.5, score: 1 });
    expect([negative.x1, negative.y1]).toEqual([-10, -0]);
  });
});

describe('isUsable', () => {
  const picture = { width: 100, height: 50 };
  it.each([
    [{ x1: 1, y1: 1, x2: 20, y2: 20 }, true],
    [{ x1: -10, y1: -10, x2: 1, y2: 1 }, true],
    [{ x1: 100, y1: 50, x2: 130, y2: 80 }, true],
    [{ x1: -10, y1: 1, x2: 0, y2: 11 }, false],
    [{ x1: 101, y1: 1, x2: 111, y2: 11 }, false],
    [{ x1: 20, y1: 20, x2: 19, y2: 20 }, false],
    [{ x1: -1000, y1: -1000, x2: 1000, y2: 1000 }, false],
    [{ x1: NaN, y1: 1, x2: 20, y2: 20 }, false],
  ])('%o: %s', (box, usable) => {
    expect(isUsable({ ...box, score: 1 }, picture)).toBe(usable);
  });
});
