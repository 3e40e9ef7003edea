// A pass over a divided classifier against float64: loss, accuracy and every gradient, for every margin and energy, on one process and on
// several, with all rows and with a sample of them. The processes here are members of a group within this one.
import { describe, expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { type Communicator, localGroup } from '../../distributed/index.js';
import { portable } from '../../graph/index.js';
import { sphereFace2Bias } from '../../losses/index.js';
import { float32, float32Scalar } from '../../runtime/index.js';
import {
  centralDifferences,
  cosine,
  energyReference,
  lossReference,
  type Matrix,
  randomRows,
  relativeError,
  sphereFace2,
  triedMargins,
} from '../../testing/loss-reference.js';
import { tinyRecipe } from '../../testing/tiny-faces.js';
import { componentsOf } from '../extensions.js';
import type { Recipe } from '../recipe.js';
import type { MeasureName } from '../step-graph.js';
import { ClassifierShard } from './classifier-shard.js';
import { RowRange } from '../row-range.js';
import { RowSampler } from './row-sampler.js';
import { addScaled } from './vectors.js';

const classes = 31;
const size = 8;
const batch = 8;
const lambda = 1.5;
const bias = sphereFace2Bias(classes, sphereFace2);
const labels = [3, 17, 17, 0, 30, 9, 3, 22];
const random = new Random(7);
const W = randomRows(random, classes, size);
const X = randomRows(random, batch, size, 2);

/** float32 against float64, as in losses/gradients.test.ts. */
const tolerance = 5e-4;

interface Result {
  readonly measures: ReadonlyMap<MeasureName, number>;
  readonly ofFeatures: Float32Array;
  readonly ofRows: Float32Array;
  readonly ofBias: Float32Array | undefined;
}

function recipeOf(...settings: string[]): Recipe {
  return tinyRecipe('solver.classifier=sharded', ...settings);
}

async function passOf(recipe: Recipe, communicator: Communicator, passes = [0]) {
  const { margin, energy } = componentsOf(recipe);
  const range = RowRange.part(classes, communicator);
  await using shard = new ClassifierShard({
    recipe,
    margin,
    energy: recipe.loss.energy === null ? undefined : energy?.divided?.(recipe.loss.energy),
    range,
    communicator,
    target: portable,
    place: { threads: 1 },
    blockRows: 8,
  });
  const rows = Float32Array.from(W.slice(range.first, range.first + range.count).flat());
  const given = new Map([
    ['lambda', float32Scalar(lambda)],
    ['bias', float32(Float32Array.of(bias), [1])],
  ]);
  shard.gradient.clear();
  let outcome;
  for (const pass of passes) {
    const gathered = { features: Float32Array.from(X.flat()), labels: Int32Array.from(labels), pass };
    outcome = await shard.pass(rows, gathered, given);
  }
  const own = new Float32Array(range.count * size);
  shard.gradient.forEach((row, gradient) => own.set(gradient, row * size));
  return { range, own, ...outcome! };
}

/** A pass on so many processes, put together. */
async function onRanks(ranks: number, recipe: Recipe, passes?: number[]): Promise<Result> {
  const parts = await Promise.all(localGroup(ranks).map((communicator) => passOf(recipe, communicator, passes)));
  const ofFeatures = new Float32Array(batch * size);
  const ofRows = new Float32Array(classes * size);
  for (const { featuresGradient, own, range } of parts) {
    addScaled(ofFeatures, featuresGradient);
    ofRows.set(own, range.first * size);
  }
  const [{ measures, parameterGradients }] = parts;
  for (const other of parts) expect(other.measures).toEqual(measures);
  return { measures, ofFeatures, ofRows, ofBias: parameterGradients.get('bias') };
}

const nameOf = (value: unknown) => JSON.stringify(value).replace(/["{}]/g, '');

const ranks = 2;

describe('divided among 2', () => {
  it.each(triedMargins.map((options) => [nameOf(options), options] as const))('%s', async (_, options) => {
    const result = await onRanks(ranks, recipeOf(`loss.margin=${JSON.stringify(options)}`));
    const F = (x: Matrix, w: Matrix, b = bias) => lossReference(x, w, labels, lambda, b, options);
    expect(Math.abs(result.measures.get('classification')! / F(X, W) - 1)).toBeLessThan(1e-5);
    const ofX = centralDifferences(X, (x) => F(x, W));
    const ofW = centralDifferences(W, (w) => F(X, w));
    expect(relativeError(result.ofFeatures, ofX)).toBeLessThan(tolerance);
    expect(relativeError(result.ofRows, ofW)).toBeLessThan(tolerance);
    expect(result.measures.get('classificationGradient')! / Math.hypot(...ofW)).toBeCloseTo(1, 4);
    if (result.ofBias !== undefined) {
      const ofBias = centralDifferences([[bias]], ([[b]]) => F(X, W, b));
      expect(relativeError(result.ofBias, ofBias)).toBeLessThan(tolerance);
    }
  });

  it('counts the images whose own row is nearest, and measures the length of features', async () => {
    const { measures } = await onRanks(ranks, recipeOf('loss.margin={type: cosface}'));
    const hits = X.filter((x, i) => {
      const cosines = W.map((w) => cosine(x, w));
      return cosines[labels[i]] === Math.max(...cosines);
    });
    expect(measures.get('accuracy')).toBe(hits.length / batch);
    expect(measures.get('featureNorm')).toBeCloseTo(X.reduce((sum, x) => sum + Math.hypot(...x), 0) / batch, 5);
  });

  it.each(
    (['batch-all', 'batch', 'all'] as const).flatMap((pairs) =>
      (['full', 'half'] as const).map((space) => ({ pairs, space })),
    ),
  )('the Riesz energy of $pairs in $space space', async ({ pairs, space }) => {
    const setting = `loss.energy={form: riesz, s: 1, on: angle, pairs: ${pairs}, space: ${space}, weight: {type: constant, value: 3}}`;
    const [{ measures, ofRows }, without] = await Promise.all([
      onRanks(ranks, recipeOf(setting)),
      onRanks(ranks, recipeOf()),
    ]);
    const F = (w: Matrix) => energyReference(w, labels, pairs, { s: 1, on: 'angle', space });
    expect(relativeError([measures.get('energy')!], [F(W)])).toBeLessThan(1e-5);
    const expected = centralDifferences(W, F).map((x) => 3 * x);
    const got = ofRows.map((x, i) => x - without.ofRows[i]);
    expect(relativeError(got, expected)).toBeLessThan(tolerance);
    expect(measures.get('energyGradient')! / Math.hypot(...expected)).toBeCloseTo(1, 4);
    expect(measures.get('loss')).toBeCloseTo(without.measures.get('loss')! + 3 * F(W), 4);
  });

  it('an energy whose weight is measured has its share of the classification loss', async () => {
    const { measures } = await onRanks(ranks, recipeOf('loss.energy={form: riesz, weight: {type: auto, share: 0.25}}'));
    expect(measures.get('energyGradient')! / measures.get('classificationGradient')!).toBeCloseTo(0.25, 5);
  });
});

describe.each([1, 3])('divided among %i', (ranks) => {
  it('a sample of the rows is a smaller classifier: loss, energy and gradients are those of its rows', async () => {
    const options = { type: 'cosface', scale: 8, margin: 0.35 } as const;
    const energy = '{form: riesz, s: 1, on: angle, pairs: batch-all, weight: {type: constant, value: 2}}';
    const settings = [`loss.margin=${JSON.stringify(options)}`, `loss.energy=${energy}`, 'solver={sampleRate: 0.1}'];
    const recipe = recipeOf(...settings);
    const result = await onRanks(ranks, recipe, [4]);
    const chosen = Array.from({ length: ranks }, (_, rank) => {
      const range = RowRange.part(classes, { rank, size: ranks });
      const own = labels.filter((label) => range.holds(label)).map((label) => label - range.first);
      const sampler = new RowSampler(range.count, 0.1, batch, recipe.seed);
      return Array.from(sampler.draw(own, { pass: 4, rank, size: ranks }), (row) => row + range.first);
    }).flat();
    expect(chosen).toHaveLength(ranks * batch);
    const sub = chosen.map((row) => W[row]);
    const places = labels.map((label) => chosen.indexOf(label));
    const F = (x: Matrix, w: Matrix) => lossReference(x, w, places, lambda, bias, options);
    const E = (w: Matrix) => energyReference(w, places, 'batch-all', { s: 1, on: 'angle', space: 'full' });
    expect(result.measures.get('classification')! / F(X, sub)).toBeCloseTo(1, 5);
    expect(result.measures.get('energy')! / E(sub)).toBeCloseTo(1, 5);
    const total = centralDifferences(sub, (w) => F(X, w) + 2 * E(w));
    const expected = new Array<number>(classes * size).fill(0);
    for (const [i, row] of chosen.entries()) {
      for (let k = 0; k < size; k++) expected[row * size + k] = total[i * size + k];
    }
    expect(relativeError(result.ofRows, expected)).toBeLessThan(tolerance);
    expect(
      relativeError(
        result.ofFeatures,
        centralDifferences(X, (x) => F(x, sub)),
      ),
    ).toBeLessThan(tolerance);
  });

  it.each([1, 0.1])('the passes of a step are averaged, each with its rows: rate %d', async (sampleRate) => {
    const settings = ['loss.margin={type: cosface}', `solver={sampleRate: ${sampleRate}}`];
    const [both, ...single] = await Promise.all([
      onRanks(ranks, recipeOf(...settings, 'solver.iterSize=2'), [6, 7]),
      onRanks(ranks, recipeOf(...settings), [6]),
      onRanks(ranks, recipeOf(...settings), [7]),
    ]);
    const mean = Array.from(both.ofRows, (_, i) => (single[0].ofRows[i] + single[1].ofRows[i]) / 2);
    expect(relativeError(both.ofRows, mean)).toBeLessThan(1e-6);
  });
});
