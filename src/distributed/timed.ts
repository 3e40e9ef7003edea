// A communicator that counts the time that is waited for others.
import type { Communicator, Exchangeable, Reduction } from './communicator.js';

export class TimedCommunicator implements Communicator {
  /** Seconds from the first to the last moment at which some call was under way, gaps left out. */
  waited = 0;
  private underWay = 0;
  private since = 0;

  constructor(private readonly inner: Communicator) {}

  get rank(): number {
    return this.inner.rank;
  }

  get size(): number {
    return this.inner.size;
  }

  get localRank(): number {
    return this.inner.localRank;
  }

  get localSize(): number {
    return this.inner.localSize;
  }

  get threads(): number | undefined {
    return this.inner.threads;
  }

  get hosts(): readonly string[] {
    return this.inner.hosts;
  }

  get description(): string {
    return this.inner.description;
  }

  allReduce(data: Float32Array | Float64Array, reduction?: Reduction): Promise<void> {
    return this.count(this.inner.allReduce(data, reduction));
  }

  reduceScatter(data: Float32Array, counts: readonly number[]): Promise<Float32Array> {
    return this.count(this.inner.reduceScatter(data, counts));
  }

  allGather<T extends Exchangeable>(data: T, counts: readonly number[]): Promise<T> {
    return this.count(this.inner.allGather(data, counts));
  }

  broadcast(data: Exchangeable, root: number): Promise<void> {
    return this.count(this.inner.broadcast(data, root));
  }

  barrier(): Promise<void> {
    return this.count(this.inner.barrier());
  }

  abort(exitStatus: number): never {
    return this.inner.abort(exitStatus);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inner[Symbol.asyncDispose]();
  }

  private async count<T>(call: Promise<T>): Promise<T> {
    if (this.underWay++ === 0) this.since = performance.now();
    try {
      return await call;
    } finally {
      if (--this.underWay === 0) this.waited += (performance.now() - this.since) / 1000;
    }
  }
}
