// Who counts as known: the rate of strangers by its formula, which threshold decides, and a gallery's own calibration.
import { describe, expect, it } from 'vitest';
import { Random } from '../../../common/random.js';
import { UsageError } from '../../../common/errors.js';
import { decideOpenSet, identificationRate, ownCalibration } from './open-set.js';

const calibration = {
  data: 'pairs',
  genuinePairs: 100,
  impostorPairs: 10_000,
  flip: true,
  thresholds: [
    { falseAcceptRate: 1e-2, threshold: 0.3, trueAcceptRate: 0.99 },
    { falseAcceptRate: 1e-4, threshold: 0.5, trueAcceptRate: 0.9 },
  ],
};
const gallery = { comparisons: 50, own: undefined, calibration, flip: true, modelName: 'm.onnx' };

describe('the share of strangers who pass', () => {
  it('is that of independent comparisons', () => {
    expect(identificationRate(0.01, 1)).toBeCloseTo(0.01, 15);
    expect(identificationRate(0.01, 50)).toBeCloseTo(1 - 0.99 ** 50, 12);
    expect(identificationRate(1e-12, 1000)).toBeCloseTo(1e-9, 15);
    const random = new Random(3);
    const passed = Array.from({ length: 4000 }, () =>
      Array.from({ length: 50 }, () => random.uniform()).some((value) => value < 0.01),
    );
    // Standard error of a share of 0.39 among 4,000: 0.008.
    expect(passed.filter(Boolean).length / 4000).toBeCloseTo(identificationRate(0.01, 50), 1);
  });
});

describe('the decision of a gallery', () => {
  it("is the model's strictest by default, and says what that means for this many comparisons", () => {
    expect(decideOpenSet({}, gallery)).toEqual({
      threshold: 0.5,
      falseAcceptRate: 1e-4,
      falsePositiveIdentificationRate: identificationRate(1e-4, 50),
      comparisons: 50,
      from: "the model's calibration",
    });
  });

  it('takes the stored threshold that is strict enough for a rate of strangers, or says what it would take', () => {
    expect(decideOpenSet({ falsePositiveIdentificationRate: 0.5 }, gallery).threshold).toBe(0.3);
    expect(decideOpenSet({ falsePositiveIdentificationRate: 0.1 }, gallery).threshold).toBe(0.5);
    const strict = () => decideOpenSet({ falsePositiveIdentificationRate: 1e-3 }, gallery);
    expect(strict).toThrow(UsageError);
    expect(strict).toThrow(/m\.onnx has no threshold[^]*0\.01, 0\.0001[^]*expected: 0\.000020 or less: 50 comparisons/);
  });

  it("is the gallery's own where it has one, unless the caller says otherwise", () => {
    const own = { threshold: 0.42, falsePositiveIdentificationRate: 0.01, probes: 300 };
    expect(decideOpenSet({}, { ...gallery, own })).toMatchObject({ threshold: 0.42, from: "the gallery's own people" });
    expect(decideOpenSet({ falseAcceptRate: 1e-2 }, { ...gallery, own }).threshold).toBe(0.3);
    expect(decideOpenSet({ threshold: 0.4 }, { ...gallery, own })).toMatchObject({
      threshold: 0.4,
      falseAcceptRate: 1e-2,
      from: 'the caller',
    });
  });

  it('knows nobody where nothing gives a threshold, and refuses contradictions', () => {
    const bare = { ...gallery, calibration: undefined };
    expect(decideOpenSet({}, bare)).toMatchObject({ threshold: undefined, from: 'nothing' });
    const wrong = [
      { threshold: 0.5, falsePositiveIdentificationRate: 0.1 },
      { threshold: 0.5, falseAcceptRate: 1e-2 },
      { threshold: 2 },
      { falsePositiveIdentificationRate: 1.5 },
      { falseAcceptRate: 0.5 },
    ];
    for (const options of wrong) expect(() => decideOpenSet(options, gallery)).toThrow(UsageError);
    expect(() => decideOpenSet({}, { ...gallery, flip: false })).toThrow(/do not fit[^]*got: embeddings without/);
    const given = decideOpenSet({ threshold: 0.6 }, { ...gallery, flip: false });
    expect(given).toMatchObject({ threshold: 0.6, falseAcceptRate: undefined });
    expect(() => decideOpenSet({ falseAcceptRate: 1e-2 }, bare)).toThrow(/is not calibrated, so `falseAcceptRate`/);
  });
});

describe("a gallery's own calibration", () => {
  it('lets no more strangers pass than asked for, and is the lowest such threshold', () => {
    const strangers = Float64Array.from({ length: 200 }, (_, i) => ((i * 37) % 200) / 200);
    const { threshold } = ownCalibration(strangers, 0.05);
    expect(strangers.filter((score) => score > threshold)).toHaveLength(10);
  });

  it('refuses rates that one stranger would exceed', () => {
    expect(() => ownCalibration(new Float64Array(99), 0.01)).toThrow(/99 photos[^]*at least 100/);
    expect(() => ownCalibration(new Float64Array(99), 1)).toThrow(/a rate between 0 and 1/);
  });
});
