// How a divided classifier lies on the sphere: the angles between a sample of its rows, which every process has for a moment.
import { evenlySpread } from '../../common/spread.js';
import type { Communicator } from '../../distributed/index.js';
import type { Target } from '../../graph/index.js';
import { float32 } from '../../runtime/index.js';
import { type ClassifierAngles, ClassifierGeometry } from '../geometry.js';
import type { RowRange } from '../row-range.js';
import type { Place } from './block-session.js';

/** Rows of the sample; of a classifier of no more rows, all angles are measured. */
const sampleRows = 4096;

export class SampledGeometry {
  private constructor(
    private readonly geometry: ClassifierGeometry,
    private readonly range: RowRange,
    private readonly size: number,
    private readonly communicator: Communicator,
  ) {}

  static async create(
    range: RowRange,
    size: number,
    communicator: Communicator,
    place: Place,
    target: Target,
  ): Promise<SampledGeometry> {
    const shape = [Math.min(range.classes, sampleRows), size] as const;
    return new SampledGeometry(await ClassifierGeometry.create(shape, place, target), range, size, communicator);
  }

  /** @param shard this process's rows. @returns the angles between rows that lie evenly over the whole classifier. */
  async measure(shard: Float32Array): Promise<ClassifierAngles> {
    const { range, size } = this;
    const rows = evenlySpread(range.classes, sampleRows);
    const sample = new Float32Array(rows.length * size);
    for (const [i, row] of rows.entries()) {
      if (!range.holds(row)) continue;
      const start = (row - range.first) * size;
      sample.set(shard.subarray(start, start + size), i * size);
    }
    await this.communicator.allReduce(sample);
    return this.geometry.measure(float32(sample, [rows.length, size]));
  }

  async dispose(): Promise<void> {
    await this.geometry.dispose();
  }
}
