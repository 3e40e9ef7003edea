// Photos worked on by all cores: a pool of threads, each with its own single-threaded detector.
import { Worker } from 'node:worker_threads';
import { SphereFaceError, messageOf } from '../common/errors.js';
import type { MtcnnWeights } from './mtcnn/networks.js';
import type { PhotoJob, PhotoResult, PhotoSettings } from './photo.js';
import type { WorkerAnswer, WorkerJob, WorkerSetup } from './photo-worker.js';

export interface PoolOptions {
  /** Absent: every job must bring its known faces. */
  readonly weights?: MtcnnWeights;
  readonly settings: PhotoSettings;
  readonly device?: 'cpu' | 'cuda' | 'webgpu';
  /** How many threads; on another device than the CPU one is started. */
  readonly threads: number;
}

interface Pending {
  readonly resolve: (result: PhotoResult) => void;
  readonly reject: (error: unknown) => void;
}

/** Jobs per thread that are worth having under way: one in work, one decoding, one on its way. */
const jobsPerThread = 3;

/** A running pool. Dispose of it when done. */
export class PhotoPool implements AsyncDisposable {
  private constructor(private readonly members: readonly Member[]) {}

  static async start(options: PoolOptions): Promise<PhotoPool> {
    const { weights, settings, device = 'cpu', threads } = options;
    const setup: WorkerSetup = { weights, settings, device };
    const count = device === 'cpu' ? threads : 1;
    const members = Array.from({ length: count }, () => new Member(setup));
    const pool = new PhotoPool(members);
    try {
      await Promise.all(members.map((member) => member.ready));
    } catch (error) {
      await pool[Symbol.asyncDispose]();
      throw error;
    }
    return pool;
  }

  /** How many jobs keep every thread busy. */
  get capacity(): number {
    return this.members.length * jobsPerThread;
  }

  /** Works on a photo. The job's bytes are handed over: do not use them afterwards. Rejects only when a thread dies. */
  run(job: PhotoJob): Promise<PhotoResult> {
    return this.members.reduce((a, b) => (b.load < a.load ? b : a)).run(job);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
  }
}

/** A thread and the jobs it has. */
class Member {
  readonly ready: Promise<void>;
  private readonly worker: Worker;
  private readonly pending: Pending[] = [];
  private failure: unknown;
  private readonly exited: Promise<void>;

  constructor(setup: WorkerSetup) {
    this.worker = startThread('photo-worker', setup);
    this.ready = new Promise((resolve, reject) => {
      let started = false;
      this.worker.on('message', (answer: WorkerAnswer) => {
        if (answer === 'ready') {
          started = true;
          resolve();
        } else this.pending.shift()?.resolve(answer);
      });
      this.worker.on('error', (error) => {
        // What stops a thread from starting (a device that is not there) speaks for itself.
        if (!started) this.failure = error;
        this.fail(error);
        reject(this.failure as Error);
      });
      this.worker.on('exit', (code) => {
        // No effect on a thread that has started.
        reject(new SphereFaceError('A thread for photos ended before it began.', { got: `exit code ${code}` }));
      });
    });
    this.ready.catch(() => undefined);
    this.exited = new Promise((resolve) => {
      this.worker.on('exit', (code) => {
        if (this.pending.length > 0) this.fail(new Error(`the thread ended with code ${code}`));
        resolve();
      });
    });
  }

  get load(): number {
    return this.failure === undefined ? this.pending.length : Infinity;
  }

  run(job: PhotoJob): Promise<PhotoResult> {
    if (this.failure !== undefined) return Promise.reject(this.failure as Error);
    return new Promise((resolve, reject) => {
      this.pending.push({ resolve, reject });
      const { bytes } = job;
      const whole = bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
      this.worker.postMessage(job satisfies WorkerJob, whole ? [bytes.buffer as ArrayBuffer] : []);
    });
  }

  async stop(): Promise<void> {
    this.worker.postMessage('stop' satisfies WorkerJob);
    await this.exited;
  }

  private fail(error: unknown): void {
    this.failure ??= new SphereFaceError('A thread working on photos has died.', {
      got: messageOf(error),
      next: 'run the command again: it goes on where it stopped; with less memory use, try --threads 1 or a smaller --max-pixels',
      cause: error,
    });
    for (const { reject } of this.pending.splice(0)) reject(this.failure);
  }
}

/**
 * Starts a module of this folder as a thread. From the sources (tests, benchmarks) it needs the TypeScript loader, which
 * Node 20 does not hand on to threads; the published package is JavaScript and starts directly.
 */
function startThread(module: string, workerData: WorkerSetup): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL(`./${module}.js`, import.meta.url), { workerData });
  const url = JSON.stringify(new URL(`./${module}.ts`, import.meta.url).href);
  const script = `import('tsx/esm/api').then(({ register }) => { register(); return import(${url}); });`;
  return new Worker(script, { eval: true, workerData });
}

/**
 * Applies `work` to every item, at most `limit` at a time, and gives out the results in the order of the items. Stopping
 * the iteration waits for what is under way.
 */
export async function* inOrder<T, R>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void, undefined> {
  const underWay: Promise<R>[] = [];
  try {
    for (const item of items) {
      const result = work(item);
      // The first failure is met when its turn comes; later ones must not count as unhandled meanwhile.
      result.catch(() => undefined);
      underWay.push(result);
      if (underWay.length >= limit) yield await underWay.shift()!;
    }
    while (underWay.length > 0) yield await underWay.shift()!;
  } finally {
    await Promise.allSettled(underWay);
  }
}
