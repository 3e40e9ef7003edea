// Checkpoints that are whole or absent: written beside, forced to disk, then renamed into place. kill -9 at any moment leaves the last one readable.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, SphereFaceError } from '../common/errors.js';
import { parseJson } from '../common/json.js';
import { keepTemporary, markTemporary } from '../common/temporary.js';
import { writing } from '../common/writing.js';
import type { SamplerState } from './sampler.js';
import { guardStateSchema } from './guard.js';
import { lossScalingStateSchema } from './loss-scaling.js';
import { type Communicator, gatherValues, oneProcess, together } from '../distributed/index.js';
import { type Tensor, type Weights, WeightsFile, weightsParts } from '../models/index.js';
import { classifierName } from './network.js';
import { RowRange } from './row-range.js';
import { readShardedRows, shardFile, shardWeights } from './sharded/shard-files.js';
import { validationStateSchema } from './validation-state.js';

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
  /** Of a run in half precision. */
  lossScaling: lossScalingStateSchema.optional(),
  /** Files that a divided classifier is in; absent where it is among the parameters. */
  shards: z.int().positive().optional(),
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
  /** The rows of the classifier that parameters and momentum have here, where it is divided among processes. */
  readonly rows?: RowRange;
}

/** Who writes and reads checkpoints together. */
export interface Sharing {
  readonly communicator: Communicator;
  /** Whether each process reads its own rows of the classifier alone. */
  readonly divided: boolean;
}

const parametersFile = 'parameters.safetensors';
const momentumFile = 'momentum.safetensors';
const stateFile = 'state.json';

/** The checkpoints of a run: `folder/<iteration>/`. */
export class CheckpointStore {
  constructor(
    readonly folder: string,
    private readonly keep: number,
    private readonly sharing: Sharing = { communicator: oneProcess, divided: false },
  ) {}

  /**
   * Writes a checkpoint and then deletes all but the newest `keep` and the best one so far. Every process calls it, rank 0 writes; of a
   * divided classifier each its own rows, into a folder that gets its name when all have.
   */
  async write(checkpoint: Checkpoint): Promise<void> {
    const { communicator } = this.sharing;
    const { rows } = checkpoint;
    const first = communicator.rank === 0;
    if (rows === undefined && !first) return;
    // No other writer's: what one fills is never taken for what a killed one left.
    const own = `.unfinished-${checkpoint.state.iteration}-${randomBytes(4).toString('hex')}`;
    const unfinished = join(this.folder, rows === undefined ? own : (await gatherValues(communicator, own))[0]);
    if (rows === undefined) {
      await this.begin(unfinished);
    } else {
      await together(communicator, () => (first ? this.begin(unfinished) : Promise.resolve()));
      const file = join(unfinished, shardFile(communicator.rank, communicator.size));
      await together(communicator, () => writeDurably(file, weightsParts(shardWeights({ ...checkpoint, rows }))));
      if (!first) return;
    }
    await this.finish(unfinished, checkpoint);
  }

  private async begin(unfinished: string): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    markTemporary(unfinished);
    await mkdir(unfinished);
  }

  private async finish(unfinished: string, checkpoint: Checkpoint): Promise<void> {
    const { iteration } = checkpoint.state;
    const divided = checkpoint.rows !== undefined;
    const common = (tensors: ReadonlyMap<string, Tensor>) =>
      new Map([...tensors].filter(([name]) => !divided || name !== classifierName));
    const { parameters, momentum } = checkpoint;
    const weights = { ...checkpoint, parameters: common(parameters) };
    await writeDurably(join(unfinished, parametersFile), weightsParts(weights));
    await writeDurably(join(unfinished, momentumFile), weightsParts({ parameters: common(momentum) }));
    const state = { ...checkpoint.state, ...(divided ? { shards: this.sharing.communicator.size } : {}) };
    await writeDurably(join(unfinished, stateFile), [new TextEncoder().encode(`${JSON.stringify(state, null, 2)}\n`)]);
    await syncFolder(unfinished);
    // A run that starts over meets its own old checkpoint: moved aside whole, never half deleted under a valid name.
    if ((await this.iterations()).includes(iteration)) await this.remove(iteration);
    await rename(unfinished, join(this.folder, String(iteration)));
    keepTemporary(unfinished);
    await syncFolder(this.folder);
    // Never the one just written: a run that went on from an earlier checkpoint may lie beside higher numbers.
    const kept = [iteration, checkpoint.state.validation?.best.iteration];
    for (const old of (await this.iterations()).slice(0, -this.keep)) if (!kept.includes(old)) await this.remove(old);
  }

  /** Iterations with a checkpoint, ascending. */
  async iterations(): Promise<number[]> {
    const names = await readdir(this.folder).catch(() => [] as string[]);
    return names
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** Deletes what a killed run left half written. For the holder of the run's claim: otherwise another process may be writing it. */
  async clean(): Promise<void> {
    const names = await readdir(this.folder).catch(() => [] as string[]);
    for (const name of names) {
      if (/^\.(unfinished|removed)-\d+(-[0-9a-f]+)?$/.test(name))
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

  /**
   * Moves checkpoints after an iteration, which could not be read or {@link latest} had given one of them, to `unreadable-N`: they would
   * count among the newest, and be tried first by the next process.
   * @param warn told of each
   */
  async setAsideAfter(iteration: number, warn: (message: string) => void = () => undefined): Promise<void> {
    for (const later of (await this.iterations()).filter((one) => one > iteration)) {
      const aside = join(this.folder, `unreadable-${later}`);
      await rm(aside, { recursive: true, force: true });
      await rename(join(this.folder, String(later)), aside);
      warn(`checkpoint ${later} is set aside as ${aside}; the run goes on from iteration ${iteration}`);
    }
  }

  /** The best checkpoint by the measurements that one remembers; that one itself where there are none. */
  async best(checkpoint: Checkpoint): Promise<Checkpoint> {
    const { iteration, validation } = checkpoint.state;
    const best = validation?.best.iteration ?? iteration;
    return best === iteration ? checkpoint : this.read(best);
  }

  /** Reads one checkpoint, however many processes wrote it. */
  async read(iteration: number): Promise<Checkpoint> {
    const folder = join(this.folder, String(iteration));
    const path = join(folder, stateFile);
    const { shards, ...state } = parseJson(stateSchema, await readFile(path, 'utf8'), path);
    await using parameters = await WeightsFile.open(join(folder, parametersFile));
    await using momentum = await WeightsFile.open(join(folder, momentumFile));
    const common = {
      state,
      parameters: await parameters.tensorsBut(classifierName),
      ...parameters.statements,
      momentum: await momentum.tensorsBut(classifierName),
    };
    const classifier = await readShardedRows({ folder, shards, parameters, momentum }, (classes) =>
      this.sharing.divided ? RowRange.part(classes, this.sharing.communicator) : RowRange.whole(classes),
    );
    if (classifier === undefined) return common;
    return {
      ...common,
      parameters: common.parameters.set(classifierName, classifier.values),
      momentum: common.momentum.set(classifierName, classifier.momentum),
      ...(this.sharing.divided ? { rows: classifier.rows } : {}),
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
async function writeDurably(path: string, parts: Iterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'w');
  try {
    await writing(path, async () => {
      for (const part of parts) await file.writeFile(part);
      await file.sync();
    });
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
