// Runs of a network whose file leaves the batch open. Some compute one picture at a time all the same: a `Reshape(1, …)` with a stored
// shape, as exporters write it, does not fit the data of several. Nothing but running them tells.
import type { PackedPicture } from '../images/packer.js';

/** Runs batches together, or one picture after another from the first batch on that only works so. */
export class OpenBatch {
  private alone = false;

  constructor(
    private readonly together: (batch: readonly PackedPicture[]) => Promise<Float32Array>,
    /** Told once, when the network turns out to take one picture at a time. */
    private readonly onAlone: () => void,
  ) {}

  /** The rows of a batch. @throws what the runtime throws of a single picture; of several, if one alone fails as well. */
  async run(batch: readonly PackedPicture[]): Promise<Float32Array> {
    if (this.alone) return this.oneByOne(batch);
    try {
      return await this.together(batch);
    } catch (error) {
      if (batch.length < 2) throw error;
      const rows = await this.oneByOne(batch).catch(() => {
        throw error;
      });
      // A call side by side may have found it out meanwhile.
      if (!this.alone) this.onAlone();
      this.alone = true;
      return rows;
    }
  }

  private async oneByOne(batch: readonly PackedPicture[]): Promise<Float32Array> {
    const parts: Float32Array[] = [];
    for (const picture of batch) parts.push(await this.together([picture]));
    const rows = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let start = 0;
    for (const part of parts) {
      rows.set(part, start);
      start += part.length;
    }
    return rows;
  }
}
