// A group of processes that compute one thing together: what they can do with each other's numbers.

/** What moves between processes. */
export type Exchangeable = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

/** How the elements of all ranks become one. */
export type Reduction = 'sum' | 'max' | 'min';

/**
 * A group of processes, each with its rank 0 … size − 1. Collective calls: every rank makes them in the same order with equal sizes.
 * They may be made without waiting for the one before; they take their turn.
 */
export interface Communicator extends AsyncDisposable {
  readonly rank: number;
  readonly size: number;
  /** Ranks on this machine, and which of them this is. */
  readonly localRank: number;
  readonly localSize: number;
  /** Threads that are this process's share of its machine; `undefined` where it has the machine to itself. */
  readonly threads: number | undefined;
  /** The name of each rank's machine. */
  readonly hosts: readonly string[];
  /** What it runs on, in words: `one process`, `Open MPI 4.1.4`. */
  readonly description: string;
  /** Element-wise over ranks, in place, bit-identical on every rank and from run to run. */
  allReduce(data: Float32Array | Float64Array, reduction?: Reduction): Promise<void>;
  /** Sum over ranks; rank r gets the r-th of `counts` consecutive elements. `data` is left as it was. */
  reduceScatter(data: Float32Array, counts: readonly number[]): Promise<Float32Array>;
  /** Everyone's data one after another in rank order; lengths may differ and are given. */
  allGather<T extends Exchangeable>(data: T, counts: readonly number[]): Promise<T>;
  /** The data of rank `root`, in place on all others. */
  broadcast(data: Exchangeable, root: number): Promise<void>;
  /** Resolves when every rank has come here. */
  barrier(): Promise<void>;
  /** Ends the processes of all ranks at once, this one too, with this exit status. For a failure that the others cannot know of. */
  abort(exitStatus: number): never;
}
