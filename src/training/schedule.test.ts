// Learning rates, λ and the effective margin by step: against published schedules, values by hand and golden values.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseRecipe, type RecipeInput } from './recipe.js';
import { annealedLambda, effectiveMargin } from '../losses/index.js';
import { learningRate } from './schedule.js';

const solver = (input: RecipeInput['solver']) => parseRecipe({ solver: input }).solver;

describe('learning rate', () => {
  it('multistep: changes after the stated number of steps, as the published solver', () => {
    const published = solver({ baseLearningRate: 0.1, schedule: { type: 'multistep', steps: [16000, 24000] } });
    expect([1, 16000, 16001, 24000, 24001].map((step) => learningRate(published, step))).toEqual([
      0.1,
      0.1,
      expect.closeTo(0.01, 12),
      expect.closeTo(0.01, 12),
      expect.closeTo(0.001, 12),
    ]);
  });

  it('cosine, polynomial and constant', () => {
    const cosine = solver({ iterations: 100, baseLearningRate: 2, schedule: { type: 'cosine', final: 0.1 } });
    expect(learningRate(cosine, 1)).toBeCloseTo(2, 12);
    expect(learningRate(cosine, 51)).toBeCloseTo(1.1, 12);
    expect(learningRate(cosine, 101)).toBeCloseTo(0.2, 12);
    const polynomial = solver({ iterations: 100, baseLearningRate: 2, schedule: { type: 'polynomial', power: 2 } });
    expect(learningRate(polynomial, 51)).toBeCloseTo(0.5, 12);
    expect(learningRate(solver({ schedule: { type: 'constant' } }), 20000)).toBe(0.1);
  });

  it('warms up in a straight line and then follows the schedule', () => {
    const warm = solver({
      baseLearningRate: 1,
      schedule: { type: 'constant' },
      warmUp: { iterations: 4, start: 0.2 },
    });
    expect([1, 2, 3, 4, 5].map((step) => learningRate(warm, step))).toEqual(
      [0.4, 0.6, 0.8, 1, 1].map((rate) => expect.closeTo(rate, 12)),
    );
  });
});

describe('λ', () => {
  it('starts where it is told to: the published m = 4 fine-tune has λ = 5 from its first step', () => {
    expect(annealedLambda({ base: 1000, gamma: 0.12, power: 1, minimum: 5, start: 2000 }, 1)).toBe(5);
  });

  it('golden values (tools/released_formulas_golden.py)', () => {
    const path = new URL('../losses/released-formulas.golden.json', import.meta.url);
    interface Case {
      readonly [field: string]: number;
    }
    const { lambda } = JSON.parse(readFileSync(path, 'utf8')) as { lambda: Case[] };
    expect(lambda.length).toBe(20);
    for (const { iter, base, gamma, power, min, value } of lambda) {
      expect(annealedLambda({ base, gamma, power, minimum: min, start: 0 }, iter)).toBeCloseTo(value, 9);
    }
  });
});

describe('effective margin', () => {
  it('is m without blending, 1 with nothing but blending, and about 1.5 for λ = 5, m = 4', () => {
    for (const m of [1, 2, 3, 4]) expect(effectiveMargin(m, 0)).toBeCloseTo(m, 12);
    expect(effectiveMargin(4, 1e9)).toBeCloseTo(1, 6);
    expect(effectiveMargin(4, 5)).toBeCloseTo(1.53, 2);
  });
});
