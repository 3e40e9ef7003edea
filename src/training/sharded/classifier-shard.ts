// A process's share of a pass over a classifier whose rows are divided among processes: its part of the loss and the gradients, block after
// block of its rows, joined with the others' parts.
import type { Communicator } from '../../distributed/index.js';
import { sizeOf, type Target } from '../../graph/index.js';
import {
  type DividedEnergy,
  type LossForm,
  logNormaliserOf,
  lossOf,
  type MarginDescriptor,
} from '../../losses/index.js';
import { float32, int64, type Tensor } from '../../runtime/index.js';
import type { Recipe } from '../recipe.js';
import type { MeasureName } from '../step-graph.js';
import { gradientName } from '../step-graph.js';
import { ActiveRows, RowGradient } from './active-rows.js';
import { blockNames, type BlockSetting, lossFormOf, lossGradientModel, lossPartModel } from './block-graphs.js';
import { BlockSessions, type Place } from './block-session.js';
import { placesWithin } from './places.js';
import { ShardEnergy } from './shard-energy.js';
import { RowSampler } from './row-sampler.js';
import type { RowRange } from '../row-range.js';
import { addScaled, squaredNorm } from '../vectors.js';

/** Rows of a block by default: it has this many times the batch logits, of which a few copies are in memory at once. */
const usualBlockRows = 8192;

/** What a shard is a part of. */
export interface ShardOptions {
  readonly recipe: Recipe;
  readonly margin: MarginDescriptor;
  readonly energy: DividedEnergy | undefined;
  readonly range: RowRange;
  readonly communicator: Communicator;
  readonly target: Target;
  readonly place: Place;
  /** Rows that a graph computes at once. */
  readonly blockRows?: number;
}

/** The batch of a pass, over all processes. */
export interface GatheredBatch {
  /** [batch, size]. */
  readonly features: Float32Array;
  /** Class of each image. */
  readonly labels: Int32Array;
  /** 0-based count of passes since the run began. */
  readonly pass: number;
}

/** What a pass over the classifier gave. */
export interface ShardOutcome {
  /** [batch, size]: this process's part of the features' gradient; the parts are to be added up. */
  readonly featuresGradient: Float32Array;
  /** Gradients of the margin's parameters, of all parts together. */
  readonly parameterGradients: ReadonlyMap<string, Float32Array>;
  readonly measures: ReadonlyMap<MeasureName, number>;
}

export class ClassifierShard implements AsyncDisposable {
  /** Of the rows, summed over the passes of a step and divided by their number. */
  readonly gradient: RowGradient;
  private readonly sampler: RowSampler;
  private readonly sample: Float32Array;
  private readonly setting: BlockSetting;
  private readonly form: LossForm;
  private readonly sessions: BlockSessions;
  private readonly energy: ShardEnergy | undefined;
  private readonly passes: number;
  private readonly blockRows: number;

  constructor(private readonly options: ShardOptions) {
    const { recipe, margin, range, communicator, target, place, blockRows = usualBlockRows } = options;
    this.blockRows = blockRows;
    const { batchSize: batch, iterSize, sampleRate } = recipe.solver;
    const size = recipe.network.embeddingSize;
    const samplerOf = (rank: number) => new RowSampler(range.counts[rank], sampleRate, batch, recipe.seed);
    const counts = range.counts.map((_, rank) => samplerOf(rank).count);
    const active = counts.reduce((a, b) => a + b, 0);
    this.sampler = samplerOf(communicator.rank);
    const { count, takesAll } = this.sampler;
    this.sample = new Float32Array(takesAll ? 0 : count * size);
    this.passes = iterSize;
    this.gradient = new RowGradient(size, Math.min(range.count, count * iterSize), !takesAll);
    this.setting = { margin, options: recipe.loss.margin, batch, size, classes: range.classes, active, target };
    this.form = lossFormOf(this.setting);
    this.sessions = new BlockSessions(place);
    if (options.energy !== undefined) {
      const { energy } = options;
      this.energy = new ShardEnergy({ energy, setting: this.setting, counts, communicator, place, blockRows });
    }
  }

  /**
   * One pass. Adds its share of the gradient of the rows.
   * @param shard [rows held, size]. @param given the margin's scalars and parameters, by the names that it has for them.
   */
  async pass(
    shard: Float32Array,
    { features, labels, pass }: GatheredBatch,
    given: ReadonlyMap<string, Tensor>,
  ): Promise<ShardOutcome> {
    const { range, communicator } = this.options;
    const { batch, size } = this.setting;
    const held = Array.from(labels, (label) => (range.holds(label) ? label - range.first : -1));
    const draw = { pass, rank: communicator.rank, size: communicator.size };
    const active = ActiveRows.of(shard, size, held, this.sampler, draw, this.sample);
    const places = held.map((row) => active.placeOf(row));

    const feeds = { ...Object.fromEntries(given), [blockNames.features]: float32(features, [batch, size]) };
    const joined = await this.joinParts(active, places, feeds);
    const logNormalisers = Float32Array.from(joined, logNormaliserOf);
    const outcome = await this.gradients(active, places, {
      ...feeds,
      [blockNames.logNormaliser]: float32(logNormalisers, [batch]),
    });

    const mean = (of: (image: (typeof joined)[number]) => number) => joined.reduce((a, b) => a + of(b), 0) / batch;
    const classification = mean((part) => lossOf(part, this.form));
    const measures = new Map<MeasureName, number>([
      ['classification', classification],
      ['accuracy', mean(({ own, nearest }) => (own >= nearest ? 1 : 0))],
      ['featureNorm', meanNorm(features, size)],
      ['classificationGradient', outcome.norm],
    ]);
    let loss = classification;
    if (this.energy !== undefined) {
      const energy = await this.energy.pass(active, places, labels, outcome.norm);
      energy.addTo(this.gradient, 1 / this.passes);
      const { value, weight, term, gradientNorm } = energy;
      measures.set('energy', value).set('energyTerm', term).set('energyWeight', weight);
      measures.set('energyGradient', gradientNorm);
      loss += term;
    }
    measures.set('loss', loss);
    return { ...outcome, measures };
  }

  async dispose(): Promise<void> {
    await this.sessions.dispose();
    await this.energy?.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** First round: what the softmax of each image needs of all rows. */
  private async joinParts(active: ActiveRows, places: readonly number[], feeds: Readonly<Record<string, Tensor>>) {
    const { communicator } = this.options;
    const { batch: n } = this.setting;
    // Largest logit and score; total relative to the largest logit, target and own score.
    const most = new Float64Array(2 * n).fill(-Infinity);
    const sums = new Float64Array(3 * n);
    await this.forEachBlock(active, 'part', lossPartModel, places, feeds, (of) => {
      const [largest, total, target] = [of('largest'), of('total'), of('target')];
      const [nearest, own] = [of('nearest'), of('own')];
      for (let i = 0; i < n; i++) {
        const before = most[i];
        most[i] = Math.max(before, largest[i]);
        sums[i] = sums[i] * Math.exp(before - most[i]) + total[i] * Math.exp(largest[i] - most[i]);
        sums[n + i] += target[i];
        most[n + i] = Math.max(most[n + i], nearest[i]);
        sums[2 * n + i] += own[i];
      }
    });
    const local = most.slice(0, n);
    await communicator.allReduce(most, 'max');
    for (let i = 0; i < n; i++) sums[i] *= Math.exp(local[i] - most[i]);
    await communicator.allReduce(sums);
    return Array.from({ length: n }, (_, i) => ({
      largest: most[i],
      total: sums[i],
      target: sums[n + i],
      nearest: most[n + i],
      own: sums[2 * n + i],
    }));
  }

  /** Second round, with the normalisers known: every gradient. */
  private async gradients(active: ActiveRows, places: readonly number[], feeds: Readonly<Record<string, Tensor>>) {
    const { communicator, margin, recipe, range } = this.options;
    const { batch, size } = this.setting;
    const parameters = margin.parameters?.(recipe.loss.margin, range.classes) ?? [];
    const featuresGradient = new Float32Array(batch * size);
    const sums = new Map(parameters.map(({ name, shape }) => [name, new Float64Array(sizeOf(shape))]));
    const squared = new Float64Array(1);
    await this.forEachBlock(active, 'gradient', lossGradientModel, places, feeds, (of, start) => {
      addScaled(featuresGradient, of(blockNames.featuresGradient));
      const ofRows = of(blockNames.rowsGradient);
      squared[0] += squaredNorm(ofRows);
      this.gradient.add(active, start, ofRows, 1 / this.passes);
      for (const [name, sum] of sums) addScaled(sum, of(gradientName(name)));
    });
    for (const data of [squared, ...sums.values()]) await communicator.allReduce(data);
    const parameterGradients = new Map([...sums].map(([name, sum]) => [name, Float32Array.from(sum)]));
    return { featuresGradient, parameterGradients, norm: Math.sqrt(squared[0]) };
  }

  private async forEachBlock(
    active: ActiveRows,
    kind: string,
    model: (setting: BlockSetting, rows: number) => Uint8Array,
    places: readonly number[],
    feeds: Readonly<Record<string, Tensor>>,
    take: (of: (name: string) => Float32Array, start: number) => void,
  ): Promise<void> {
    const { setting, blockRows } = this;
    const { size } = setting;
    for (let start = 0; start < active.count; start += blockRows) {
      const rows = Math.min(blockRows, active.count - start);
      const session = await this.sessions.get(`${kind} ${rows}`, () => model(setting, rows));
      const values = active.values.subarray(start * size, (start + rows) * size);
      take(
        await session.run({
          ...feeds,
          [blockNames.rows]: float32(values, [rows, size]),
          [blockNames.labels]: int64(placesWithin(places, start, rows)),
        }),
        start,
      );
    }
  }
}

/** Mean length of the rows of a matrix. */
function meanNorm(matrix: Float32Array, size: number): number {
  let total = 0;
  for (let start = 0; start < matrix.length; start += size) {
    total += Math.sqrt(squaredNorm(matrix.subarray(start, start + size)));
  }
  return total / (matrix.length / size);
}
