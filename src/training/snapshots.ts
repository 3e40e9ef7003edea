// Snapshots: the parameters of a run at some iterations, to be judged later. Unlike checkpoints nothing can be resumed from them, and all are kept.
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../common/atomic.js';
import { decodeWeights, encodeWeights, type Weights } from '../models/index.js';

/** The snapshots of a run: `folder/<iteration>.safetensors`. */
export class SnapshotStore {
  constructor(readonly folder: string) {}

  /** Writes one, whole or not at all. */
  async write(iteration: number, weights: Weights): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    await writeFileAtomic(this.path(iteration), encodeWeights(weights));
  }

  /** Iterations with a snapshot, ascending. */
  async iterations(): Promise<number[]> {
    const names = await readdir(this.folder).catch(() => [] as string[]);
    return names
      .filter((name) => /^\d+\.safetensors$/.test(name))
      .map((name) => Number.parseInt(name, 10))
      .sort((a, b) => a - b);
  }

  async read(iteration: number): Promise<Weights> {
    const path = this.path(iteration);
    return decodeWeights(await readFile(path), path);
  }

  async remove(iteration: number): Promise<void> {
    await rm(this.path(iteration), { force: true });
  }

  private path(iteration: number): string {
    return join(this.folder, `${iteration}.safetensors`);
  }
}
