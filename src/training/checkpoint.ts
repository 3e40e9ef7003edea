// Checkpoints that are whole or absent: written beside, forced to disk, then renamed into place. kill -9 at any moment leaves the last one readable.
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, SphereFaceError } from '../common/errors.js';
import { parseJson } from '../common/json.js';
import { keepTemporary, markTemporary } from '../common/temporary.js';
import type { SamplerState } from './sampler.js';
import { guardStateSchema } from './guard.js';
import { validationStateSchema } from './validation-state.js';
import { decodeWeights, encodeWeights, type Tensor, type Weights } from '../models/index.js';

const word = z.int().min(0).max(0xffffffff);
const randomState = z.tuple([word, word, word, word]).readonly();

const samplerState = z.strictObject({
  epochStart: randomState,
  position: z.int().nonnegative(),
  epoch: z.int().nonnegative(),
  random: randomState,
}) satisfies z.ZodType<SamplerState>;

const stateSchema = z.strictObject({
  /** Of this file's layout. */
  format: z.literal(1),
  /** Optimizer steps done; the λ and learning-rate schedules count them. */
  iteration: z.int().nonnegative(),
  sampler: samplerState,
  guard: guardStateSchema,
  /** Of a run that holds people out, once it has measured. */
  validation: validationStateSchema.optional(),
});

/** Everything besides tensors that a run needs to go on. */
export type TrainingState = z.output<typeof stateSchema>;

/** A run at one moment. Its weights are without `identities` and `input` when version 0.1 wrote it. */
export interface Checkpoint extends Weights {
  readonly state: TrainingState;
  /** Momentum by parameter name. */
  readonly momentum: ReadonlyMap<string, Tensor>;
}

const parametersFile = 'parameters.safetensors';
const momentumFile = 'momentum.safetensors';
const stateFile = 'state.json';

/** The checkpoints of a run: `folder/<iteration>/`. */
export class CheckpointStore {
  constructor(
    readonly folder: string,
    private readonly keep: number,
  ) {}

  /** Writes a checkpoint and then deletes all but the newest `keep` and the best one so far. Returns its folder. */
  async write(checkpoint: Checkpoint): Promise<string> {
    const name = String(checkpoint.state.iteration);
    const unfinished = join(this.folder, `.unfinished-${name}`);
    const finished = join(this.folder, name);
    await mkdir(this.folder, { recursive: true });
    await rm(unfinished, { recursive: true, force: true });
    markTemporary(unfinished);
    await mkdir(unfinished);
    await writeDurably(join(unfinished, parametersFile), encodeWeights(checkpoint));
    await writeDurably(join(unfinished, momentumFile), encodeWeights({ parameters: checkpoint.momentum }));
    await writeDurably(
      join(unfinished, stateFile),
      new TextEncoder().encode(`${JSON.stringify(checkpoint.state, null, 2)}\n`),
    );
    await syncFolder(unfinished);
    // A run that starts over meets its own old checkpoint: moved aside whole, never half deleted under a valid name.
    if ((await this.iterations()).includes(checkpoint.state.iteration)) await this.remove(checkpoint.state.iteration);
    await rename(unfinished, finished);
    keepTemporary(unfinished);
    await syncFolder(this.folder);
    const best = checkpoint.state.validation?.best.iteration;
    for (const old of (await this.iterations()).slice(0, -this.keep)) if (old !== best) await this.remove(old);
    return finished;
  }

  /** Iterations with a checkpoint, ascending. */
  async iterations(): Promise<number[]> {
    const names = await readdir(this.folder).catch(() => [] as string[]);
    return names
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** Deletes what a killed run left half written. */
  async clean(): Promise<void> {
    const names = await readdir(this.folder).catch(() => [] as string[]);
    for (const name of names) {
      if (/^\.(unfinished|removed)-\d+$/.test(name))
        await rm(join(this.folder, name), { recursive: true, force: true });
    }
  }

  /**
   * The newest readable checkpoint, `undefined` if there is none at all.
   * @param warn told of each newer one that could not be read (a failing disk: writing never leaves one).
   * @throws SphereFaceError when there are checkpoints and none is readable.
   */
  async latest(warn: (message: string) => void = () => undefined): Promise<Checkpoint | undefined> {
    const iterations = await this.iterations();
    let cause: unknown;
    for (const iteration of iterations.reverse()) {
      try {
        return await this.read(iteration);
      } catch (error) {
        cause = error;
        warn(`checkpoint ${iteration} cannot be read (${messageOf(error)}); trying the one before`);
      }
    }
    if (cause === undefined) return undefined;
    throw new SphereFaceError(`No checkpoint in ${this.folder} can be read.`, { got: messageOf(cause), cause });
  }

  /** The best checkpoint by the measurements that one remembers; that one itself where there are none. */
  async best(checkpoint: Checkpoint): Promise<Checkpoint> {
    const { iteration, validation } = checkpoint.state;
    const best = validation?.best.iteration ?? iteration;
    return best === iteration ? checkpoint : this.read(best);
  }

  /** Reads one checkpoint. */
  async read(iteration: number): Promise<Checkpoint> {
    const folder = join(this.folder, String(iteration));
    const weights = async (file: string) => decodeWeights(await readFile(join(folder, file)), join(folder, file));
    return {
      state: parseJson(stateSchema, await readFile(join(folder, stateFile), 'utf8'), join(folder, stateFile)),
      ...(await weights(parametersFile)),
      momentum: (await weights(momentumFile)).parameters,
    };
  }

  /** Renamed first, so that a kill in the middle of deleting leaves no half checkpoint under a valid name. */
  private async remove(iteration: number): Promise<void> {
    const removed = join(this.folder, `.removed-${iteration}`);
    await rm(removed, { recursive: true, force: true });
    await rename(join(this.folder, String(iteration)), removed);
    await rm(removed, { recursive: true, force: true });
  }
}

/** Writes a file and waits until the disk has it. */
async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders; there the rename itself is as durable as it gets.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
