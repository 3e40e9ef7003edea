// The guard of a training run: which anomaly it stops at, what it says of it, and healthy runs that go on.
import { describe, expect, it } from 'vitest';
import { Guard, type StepReport, TrainingAnomaly, underflowLoss } from './guard.js';

const chance = Math.log(100);
const about = { precision: 'float32', chance, easing: ['lower the margin'] } as const;
const limits = { aboveChance: 50, explosion: 4 };
const report = (change: Partial<StepReport> = {}): StepReport => ({
  iteration: 12,
  loss: 3,
  classificationLoss: 3,
  scalars: new Map([['λ', 5]]),
  featureNorm: 20,
  learningRate: 0.1,
  gradientNorms: new Map([['conv1.weight', 1]]),
  ...change,
});

function anomalyOf(run: () => void): TrainingAnomaly {
  try {
    run();
  } catch (error) {
    if (error instanceof TrainingAnomaly) return error;
    throw error;
  }
  throw new Error('no anomaly');
}

describe('Guard', () => {
  it('lets a healthy run go on', () => {
    const guard = new Guard(limits, about);
    for (let i = 0; i < 200; i++) guard.check(report({ classificationLoss: 4 - i / 100 }));
    expect(guard.state.aboveChance).toBe(0);
  });

  it('names the tensor that is not finite, and where the run was', () => {
    const gradientNorms = new Map([
      ['conv1.weight', 1],
      ['fc5.weight', NaN],
    ]);
    const anomaly = anomalyOf(() => new Guard(limits, about).check(report({ gradientNorms })));
    expect(anomaly.kind).toBe('not-finite');
    expect(anomaly.message).toMatch(/fc5\.weight.*λ 5\.000.*feature norm 20\.00.*learning rate 0\.100/s);
    expect(anomalyOf(() => new Guard(limits, about).check(report({ loss: Infinity }))).kind).toBe('not-finite');
  });

  it('names half precision where that may be why', () => {
    const inHalf = new Guard(limits, { ...about, precision: 'float16' });
    expect(anomalyOf(() => inHalf.check(report({ loss: Infinity }))).message).toContain('solver.precision=float32');
    const inFull = new Guard(limits, about);
    expect(anomalyOf(() => inFull.check(report({ loss: Infinity }))).message).not.toContain('precision');
  });

  it('recognises the famous 87.33', () => {
    expect(underflowLoss).toBeCloseTo(87.3365, 4);
    expect(anomalyOf(() => new Guard(limits, about).check(report({ classificationLoss: 87.34 }))).kind).toBe(
      'underflow',
    );
  });

  it('stops an explosion but not one bad batch', () => {
    const guard = new Guard(limits, about);
    guard.check(report());
    guard.check(report({ classificationLoss: 60 }));
    expect(
      anomalyOf(() => {
        for (let i = 0; i < 100; i++) guard.check(report({ classificationLoss: 60 }));
      }).kind,
    ).toBe('explosion');
  });

  it('stops after so many steps above chance, and its count survives in its state', () => {
    const first = new Guard(limits, about);
    for (let i = 0; i < 30; i++) first.check(report({ classificationLoss: chance + 1 }));
    const second = new Guard(limits, about, first.state);
    for (let i = 0; i < 19; i++) second.check(report({ classificationLoss: chance + 1 }));
    const anomaly = anomalyOf(() => second.check(report({ classificationLoss: chance + 1 })));
    expect(anomaly.kind).toBe('above-chance');
    expect(anomaly.message).toMatch(/lower the learning rate.*or lower the margin/);
    const patient = new Guard({ ...limits, aboveChance: null }, about);
    for (let i = 0; i < 500; i++) patient.check(report({ classificationLoss: chance + 1 }));
  });
});
