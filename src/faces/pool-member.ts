// One process of the pool and its jobs: it is replaced when a photo takes too long or brings it down.
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { SphereFaceError, UsageError } from '../common/errors.js';
import type { PhotoJob } from './photo.js';
import type { PoolResult, ProcessAnswer, ProcessMessage, ProcessSetup } from './pool-messages.js';

interface Pending {
  readonly job: PhotoJob;
  readonly resolve: (result: PoolResult) => void;
  readonly reject: (error: unknown) => void;
  /** How many processes ended while this was the photo in work. */
  deaths: number;
}

/** Pixels that a search gets the whole time for. */
const pixelsPerTime = 1e7;
/** An idle process that does not end by itself within this time is killed. */
const stopSeconds = 5;

/** A process and the jobs it has. */
export class PoolMember implements AsyncDisposable {
  /** Jobs that are worth having under way: one in work, one decoding, one on its way. */
  static readonly jobs = 3;

  /** Resolves when the first process has started. */
  readonly ready: Promise<void>;
  /** The first `sent` of them are with the process, the first of all in work. */
  private readonly pending: Pending[] = [];
  private sent = 0;
  private child: ChildProcess;
  private started = false;
  private stopping = false;
  private failure: Error | undefined;
  private clock: NodeJS.Timeout | undefined;
  private settleReady: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;

  constructor(
    private readonly setup: ProcessSetup,
    private readonly photoSeconds: number,
  ) {
    this.ready = new Promise((resolve, reject) => {
      this.settleReady = { resolve, reject };
    });
    this.ready.catch(() => undefined);
    this.child = this.start();
  }

  get load(): number {
    return this.failure === undefined ? this.pending.length : Infinity;
  }

  run(job: PhotoJob): Promise<PoolResult> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.pending.push({ job, resolve, reject, deaths: 0 });
      this.send();
    });
  }

  /** Ends the process once it has done its jobs. */
  async dispose(): Promise<void> {
    const { child } = this;
    this.stopping = true;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.connected && this.started) child.send('stop' satisfies ProcessMessage);
    else child.kill('SIGKILL');
    const kill = setTimeout(() => child.kill('SIGKILL'), 1000 * stopSeconds);
    await ended;
    clearTimeout(kill);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private start(): ChildProcess {
    const child = startProcess();
    child.on('message', (answer: ProcessAnswer) => {
      if (child === this.child) this.take(answer);
    });
    // The exit follows, with the reason.
    child.on('error', () => undefined);
    child.on('exit', (code, signal) => {
      if (child === this.child && !this.stopping) this.ended(signal ?? `exit code ${code}`);
    });
    child.send(this.setup);
    return child;
  }

  private take(answer: ProcessAnswer): void {
    switch (answer.kind) {
      case 'ready':
        this.started = true;
        this.settleReady?.resolve();
        this.send();
        return;
      case 'failed':
        this.fail(answer.usage ? new UsageError(answer.message) : new SphereFaceError(answer.message));
        return;
      case 'searching':
        this.startClock(Math.max(1, answer.pixels / pixelsPerTime));
        return;
      case 'done':
        this.finish(answer.result);
        this.sent--;
        this.send();
        return;
      default:
        answer satisfies never;
    }
  }

  /** Gives the process as many jobs as are good for it: one alone, if that one may have brought down the last. */
  private send(): void {
    if (!this.started) return;
    const most = this.pending[0]?.deaths > 0 ? 1 : PoolMember.jobs;
    while (this.sent < Math.min(most, this.pending.length)) {
      this.child.send(this.pending[this.sent].job satisfies ProcessMessage);
      this.sent++;
    }
    if (this.sent > 0 && this.clock === undefined) this.startClock(1);
  }

  /** Gives the photo in work its time. */
  private startClock(times: number): void {
    clearTimeout(this.clock);
    this.clock = setTimeout(
      () => {
        this.finish(gaveUp(this.pending[0].job, 'late', `it took more than ${this.photoSeconds} s (--photo-seconds)`));
        this.replace();
      },
      1000 * this.photoSeconds * times,
    );
  }

  private finish(result: PoolResult): void {
    clearTimeout(this.clock);
    this.clock = undefined;
    this.pending.shift()?.resolve(result);
  }

  private ended(reason: string): void {
    if (!this.started) {
      this.fail(
        new SphereFaceError('A process that works on photos ended before it began.', {
          got: reason,
          next: 'with less memory use, try --threads 1; run the command again: it goes on where it stopped',
        }),
      );
      return;
    }
    if (this.sent === 0) {
      this.replace();
      return;
    }
    const [first] = this.pending;
    if (++first.deaths > 1)
      this.finish(gaveUp(first.job, 'died', `the process that worked on it ended twice (${reason})`));
    this.replace();
  }

  private replace(): void {
    clearTimeout(this.clock);
    this.clock = undefined;
    const old = this.child;
    this.started = false;
    this.sent = 0;
    this.child = this.start();
    old.kill('SIGKILL');
  }

  private fail(error: Error): void {
    this.failure ??= error;
    clearTimeout(this.clock);
    this.settleReady?.reject(this.failure);
    for (const { reject } of this.pending.splice(0)) reject(this.failure);
  }
}

function gaveUp(job: PhotoJob, why: 'late' | 'died', error: string): PoolResult {
  return { detection: { file: job.file, error }, crops: [], gaveUp: why };
}

/**
 * Starts the process. From the sources (tests) it needs the TypeScript loader; the published package is JavaScript and starts
 * directly.
 */
function startProcess(): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts');
  const script = fileURLToPath(new URL(`./photo-process.${fromSource ? 'ts' : 'js'}`, import.meta.url));
  const loader = () => pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return fork(script, {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    ...(fromSource ? { execArgv: ['--import', loader()] } : {}),
  });
}
