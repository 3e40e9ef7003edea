// The energy of a classifier whose rows are divided among processes. Rows come visiting: those of the batch's identities, or all, in blocks;
// every process takes the pairs with its own.
import type { Communicator } from '../../distributed/index.js';
import type { DividedEnergy } from '../../losses/index.js';
import { float32, int64 } from '../../runtime/index.js';
import { type ActiveRows, RowGradient } from './active-rows.js';
import { batchEnergyModel, blockNames, type BlockSetting, pairsModel } from './block-graphs.js';
import { BlockSessions, type Place } from './block-session.js';
import { addScaled, squaredNorm } from './vectors.js';
import { placesWithin } from './places.js';

/** Visiting rows of a block, where all rows visit. */
const visitingRows = 512;

/** The energy of a pass. */
export interface PassEnergy {
  readonly value: number;
  readonly weight: number;
  /** What it adds to the loss. */
  readonly term: number;
  /** Length of its gradient on all rows, weight included. */
  readonly gradientNorm: number;
  /** Adds its gradient times the weight and `factor`. */
  addTo(gradient: RowGradient, factor: number): void;
}

/** What the parts of an energy are made of before its weight is known. */
interface Unweighted {
  readonly value: number;
  readonly loss: number;
}

export class ShardEnergy implements AsyncDisposable {
  private readonly sessions: BlockSessions;
  /** Of the active rows, [rows, size], in one pass. */
  private readonly gradient: Float32Array;

  /** @param counts active rows of each process. @param blockRows rows that a graph computes at once. */
  constructor(
    private readonly energy: DividedEnergy,
    private readonly setting: BlockSetting,
    private readonly counts: readonly number[],
    private readonly communicator: Communicator,
    place: Place,
    private readonly blockRows: number,
  ) {
    this.sessions = new BlockSessions(place);
    this.gradient = new Float32Array(counts[communicator.rank] * setting.size);
  }

  /**
   * @param places of the batch's rows among the active ones, −1 for those held elsewhere. @param labels the batch's classes.
   * @param classificationNorm length of the classification loss's gradient on all rows.
   */
  async pass(
    active: ActiveRows,
    places: readonly number[],
    labels: Int32Array,
    classificationNorm: number,
  ): Promise<PassEnergy> {
    this.gradient.fill(0);
    const { value, loss } = await this.compute(active, places, labels);
    const squared = Float64Array.of(squaredNorm(this.gradient));
    await this.communicator.allReduce(squared);
    const norm = Math.sqrt(squared[0]);
    const weight = this.weightOf(norm, classificationNorm);
    return {
      value,
      weight,
      term: weight * loss,
      gradientNorm: weight * norm,
      addTo: (gradient, factor) => gradient.add(active, 0, this.gradient, factor * weight),
    };
  }

  async dispose(): Promise<void> {
    await this.sessions.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  private weightOf(norm: number, classificationNorm: number): number {
    const { weight } = this.energy;
    switch (weight.type) {
      case 'constant':
        return weight.value;
      case 'auto':
        return (weight.share * classificationNorm) / (norm + 1e-20);
      default:
        return weight satisfies never;
    }
  }

  private async compute(active: ActiveRows, places: readonly number[], labels: Int32Array): Promise<Unweighted> {
    const { energy } = this;
    switch (energy.form) {
      case 'pairs':
        return energy.visitors === 'batch' ? this.batchAgainstAll(active, places) : this.allAgainstAll(active);
      case 'batch':
        return this.withinBatch(energy, active, places, labels);
      default:
        return energy satisfies never;
    }
  }

  private async batchAgainstAll(active: ActiveRows, places: readonly number[]): Promise<Unweighted> {
    const own = await this.rowsOfBatch(active, places);
    const ofOwn = new Float32Array(own.length);
    const value = await this.pairs(active, own, places, this.setting.batch, (visitors) => addScaled(ofOwn, visitors));
    await this.communicator.allReduce(ofOwn);
    this.addAtPlaces(places, ofOwn);
    return this.joined(value);
  }

  private async allAgainstAll(active: ActiveRows): Promise<Unweighted> {
    const { rank } = this.communicator;
    const { size } = this.setting;
    let value = 0;
    for (const [root, count] of this.counts.entries()) {
      for (let start = 0; start < count; start += visitingRows) {
        const rows = Math.min(visitingRows, count - start);
        const visitors = new Float32Array(rows * size);
        if (root === rank) visitors.set(active.values.subarray(start * size, (start + rows) * size));
        await this.communicator.broadcast(visitors, root);
        const places = Array.from({ length: rows }, (_, i) => (root === rank ? start + i : -1));
        value += await this.pairs(active, visitors, places, this.setting.active);
      }
    }
    return this.joined(value);
  }

  private async withinBatch(
    energy: Extract<DividedEnergy, { form: 'batch' }>,
    active: ActiveRows,
    places: readonly number[],
    labels: Int32Array,
  ): Promise<Unweighted> {
    const { batch, size } = this.setting;
    const own = await this.rowsOfBatch(active, places);
    const session = await this.sessions.get('batch', () => batchEnergyModel(energy, this.setting));
    const mean = session.takes(blockNames.mean) ? await this.meanRow(active) : new Float32Array(size);
    const of = await session.run({
      [blockNames.visitors]: float32(own, [batch, size]),
      [blockNames.labels]: int64(labels),
      [blockNames.mean]: float32(mean, [1, size]),
    });
    this.addAtPlaces(places, of(blockNames.visitorsGradient));
    return { value: of(blockNames.value)[0], loss: of(blockNames.loss)[0] };
  }

  /** The visitors with all active rows of this process. Adds to the gradient of these; `take` is given that of the visitors. */
  private async pairs(
    active: ActiveRows,
    visitors: Float32Array,
    places: readonly number[],
    lines: number,
    take?: (ofVisitors: Float32Array) => void,
  ): Promise<number> {
    const { energy, setting, blockRows } = this;
    const { size } = setting;
    if (energy.form !== 'pairs') return 0;
    // All with all: each pair is met once from either side, and each side adds the gradient of the one that stays.
    const factor = energy.visitors === 'all' ? 2 : 1;
    const count = places.length;
    let value = 0;
    for (let start = 0; start < active.count; start += blockRows) {
      const rows = Math.min(blockRows, active.count - start);
      const shape = { visitors: count, rows, lines };
      const session = await this.sessions.get(`${count} ${rows}`, () => pairsModel(energy, setting, shape));
      const of = await session.run({
        [blockNames.visitors]: float32(visitors, [count, size]),
        [blockNames.rows]: float32(active.values.subarray(start * size, (start + rows) * size), [rows, size]),
        [blockNames.labels]: int64(placesWithin(places, start, rows)),
      });
      value += of(blockNames.value)[0];
      addScaled(this.gradient.subarray(start * size, (start + rows) * size), of(blockNames.rowsGradient), factor);
      take?.(of(blockNames.visitorsGradient));
    }
    return value;
  }

  private async joined(part: number): Promise<Unweighted> {
    const sum = Float64Array.of(part);
    await this.communicator.allReduce(sum);
    return { value: sum[0], loss: sum[0] };
  }

  /** The rows of the batch's labels, [batch, size], wherever they are held. */
  private async rowsOfBatch(active: ActiveRows, places: readonly number[]): Promise<Float32Array> {
    const { batch, size } = this.setting;
    const own = new Float32Array(batch * size);
    for (const [i, place] of places.entries()) {
      if (place >= 0) own.set(active.values.subarray(place * size, (place + 1) * size), i * size);
    }
    await this.communicator.allReduce(own);
    return own;
  }

  private addAtPlaces(places: readonly number[], gradients: Float32Array): void {
    const { size } = this.setting;
    for (const [i, place] of places.entries()) {
      if (place < 0) continue;
      addScaled(this.gradient.subarray(place * size, (place + 1) * size), gradients.subarray(i * size, (i + 1) * size));
    }
  }

  /** The mean of all active rows, each divided by its length. */
  private async meanRow(active: ActiveRows): Promise<Float32Array> {
    const { size, active: total } = this.setting;
    const sum = new Float64Array(size);
    for (let place = 0; place < active.count; place++) {
      const row = active.values.subarray(place * size, (place + 1) * size);
      addScaled(sum, row, 1 / Math.sqrt(squaredNorm(row) + Number.MIN_VALUE));
    }
    await this.communicator.allReduce(sum);
    return Float32Array.from(sum, (x) => x / total);
  }
}
