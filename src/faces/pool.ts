// Photos worked on by all cores: a pool of processes, each with its own single-threaded detector.
//
// Processes and not threads, because a photo can be made to keep a decoder busy for minutes, or to bring it down: native work
// in a thread can neither be stopped nor survived, a process can be killed and replaced, and the photo is one line.
import type { MtcnnWeights } from './mtcnn/networks.js';
import type { PhotoJob } from './photo.js';
import type { PhotoSettings } from './photo-settings.js';
import type { PoolResult, ProcessSetup } from './pool-messages.js';
import { PoolMember } from './pool-member.js';

export interface PoolOptions {
  /** Absent: every job must bring its known faces. */
  readonly weights?: MtcnnWeights;
  readonly settings: PhotoSettings;
  readonly device?: 'cpu' | 'cuda' | 'webgpu';
  /** How many processes; on another device than the CPU one is started. */
  readonly threads: number;
  /** See {@link defaultPhotoSeconds}. */
  readonly photoSeconds?: number;
}

/**
 * How long a photo may take; for photos of more than 10 megapixels, and for each time one is turned, the search for faces has
 * this time for each 10 megapixels once more.
 */
export const defaultPhotoSeconds = 20;

/** A running pool. Dispose of it when done. */
export class PhotoPool implements AsyncDisposable {
  private constructor(private readonly members: readonly PoolMember[]) {}

  /** @throws UsageError for a device that is not there, SphereFaceError when a process cannot start. */
  static async start(options: PoolOptions): Promise<PhotoPool> {
    const { weights, settings, device = 'cpu', threads, photoSeconds = defaultPhotoSeconds } = options;
    const setup: ProcessSetup = { weights, settings, device };
    const count = device === 'cpu' ? threads : 1;
    const members = Array.from({ length: count }, () => new PoolMember(setup, photoSeconds));
    const pool = new PhotoPool(members);
    try {
      await Promise.all(members.map((member) => member.ready));
    } catch (error) {
      await pool.dispose();
      throw error;
    }
    return pool;
  }

  /** How many jobs keep every process busy. */
  get capacity(): number {
    return this.members.length * PoolMember.jobs;
  }

  /** Works on a photo. Rejects only when processes cannot be started any more. */
  run(job: PhotoJob): Promise<PoolResult> {
    return this.members.reduce((a, b) => (b.load < a.load ? b : a)).run(job);
  }

  /** Ends the processes. */
  async dispose(): Promise<void> {
    await Promise.all(this.members.map((member) => member.dispose()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
