// Batches ready before the step asks: crops are decoded in parallel ahead of time and, as far as memory allows, only once.
import { SphereFaceError, UsageError, messageOf } from '../common/errors.js';
import type { InputSpec } from '../images/input.js';
import { type Augmentation, variationOf } from '../images/augmentation.js';
import type { CropDecoder, CropFit } from '../images/decode.js';
import {
  degradationOf,
  type DegradationOptions,
  degraded,
  isLossless,
  type JpegRoundTrip,
} from '../images/degradation.js';
import type { BatchImages } from './batch-images.js';
import type { Sample, Sampler, SamplerState } from './sampler.js';
import type { ImageSource } from '../images/source.js';
import type { StepShare } from './step-share.js';

/** A batch as a training step takes it. */
export interface Batch {
  /** Augmented. Valid until the next call of `next`, which fills them anew. */
  readonly images: BatchImages;
  /** Class of each image. */
  readonly labels: Int32Array;
  /** Where the sampler stood after the step that this batch belongs to: what a checkpoint stores. */
  readonly state: SamplerState;
}

export interface LoaderOptions {
  readonly source: ImageSource;
  readonly decode: CropDecoder;
  /** Class of every entry of the source. */
  readonly labels: readonly number[];
  readonly sampler: Sampler;
  readonly input: InputSpec;
  readonly fit: CropFit;
  readonly augmentation: Augmentation;
  readonly degradation: DegradationOptions;
  /** What JPEG compression needs. */
  readonly jpeg: JpegRoundTrip | undefined;
  /** Makes room for this process's images of a pass, in the form that its step takes. */
  readonly newImages: () => BatchImages;
  /** Images of a pass, and passes of a step. */
  readonly batchSize: number;
  readonly iterSize: number;
  /** Which of them are given out here: the others' draws are made all the same, so that the sequence stays that of one process. */
  readonly share: StepShare;
  /** Batches prepared ahead. */
  readonly prefetch: number;
  /** Bytes of decoded crops kept in memory. */
  readonly cacheBytes: number;
}

/** An image that could not be used, and why. */
export interface Unreadable {
  readonly file: string;
  readonly error: string;
}

/** Samples of a batch that nothing was prepared of, yet. */
interface Draw {
  readonly samples: readonly Sample[];
  readonly state: SamplerState;
}

/**
 * Gives out this rank's share of the batches in the sampler's order. An unreadable image is listed and replaced by another image of its identity (or, if
 * the identity has none left, by the nearest readable one of the source), so that the sequence stays the same on every run.
 */
export class Loader implements AsyncDisposable {
  /** Seconds that `next` has waited for batches that were not ready. */
  waited = 0;
  readonly unreadable: Unreadable[] = [];
  private readonly cache: (Uint8Array | undefined)[];
  private readonly broken = new Set<number>();
  private cached = 0;
  /** Batches of the step drawn last that are still to be prepared. */
  private drawn: Draw[] = [];
  private readonly queue: Promise<Batch>[] = [];
  private readonly free: BatchImages[] = [];
  private lent: BatchImages | undefined;
  private readonly replacements = new Map<number, Promise<number>>();

  /** @throws UsageError for JPEG compression where nothing encodes JPEG. */
  constructor(private readonly options: LoaderOptions) {
    if (options.degradation.jpeg !== null && options.jpeg === undefined) {
      throw new UsageError('Nothing here encodes JPEG.', { next: 'train without data.jpeg' });
    }
    this.cache = new Array<Uint8Array | undefined>(options.source.entries.length);
  }

  /** The next batch; preparation of later ones goes on in the background. */
  async next(): Promise<Batch> {
    if (this.lent !== undefined) this.free.push(this.lent);
    this.lent = undefined;
    this.fill();
    const started = performance.now();
    const batch = await this.queue.shift()!;
    this.waited += (performance.now() - started) / 1000;
    this.lent = batch.images;
    this.fill();
    return batch;
  }

  /** Waits for the batches in preparation, and drops them. */
  async dispose(): Promise<void> {
    await Promise.allSettled(this.queue);
    this.queue.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  private fill(): void {
    const { newImages, prefetch } = this.options;
    while (this.queue.length < prefetch) {
      if (this.drawn.length === 0) this.drawn = this.drawStep();
      const prepared = this.prepare(this.drawn.shift()!, this.free.pop() ?? newImages());
      // A failure is reported by the `next` that takes this batch, not as an unhandled rejection now.
      prepared.catch(() => undefined);
      this.queue.push(prepared);
    }
  }

  private drawStep(): Draw[] {
    const { batchSize, iterSize, share, sampler } = this.options;
    const passes = Array.from({ length: iterSize }, () => sampler.next(batchSize));
    const { state } = sampler;
    return passes
      .slice(share.firstPass, share.firstPass + share.passes)
      .map((samples) => ({ samples: samples.slice(share.firstImage, share.firstImage + share.images), state }));
  }

  private async prepare({ samples, state }: Draw, images: BatchImages): Promise<Batch> {
    const { augmentation, labels } = this.options;
    const used = new Int32Array(samples.length);
    await Promise.all(
      samples.map(async (sample, slot) => {
        const [index, crop] = await this.readableCrop(sample.index);
        used[slot] = labels[index];
        images.write(await this.withLosses(crop, sample), variationOf(augmentation, sample), slot);
      }),
    );
    return { images, labels: used, state };
  }

  private async withLosses(data: Uint8Array, sample: Sample): Promise<Uint8Array> {
    const { degradation, input, jpeg } = this.options;
    if (isLossless(degradation)) return data;
    const { width, height } = input;
    const losses = degradationOf(degradation, sample, input);
    return (await degraded({ width, height, data }, losses, jpeg)).data;
  }

  /** The crop of an entry, or of its replacement where it cannot be read. */
  private async readableCrop(index: number): Promise<readonly [number, Uint8Array]> {
    const crop = await this.crop(index);
    if (crop !== undefined) return [index, crop];
    let found = this.replacements.get(index);
    if (found === undefined) {
      found = this.replacement(index);
      this.replacements.set(index, found);
    }
    const other = await found;
    return [other, (await this.crop(other))!];
  }

  /** The first readable entry after `index`, of the same identity if there is one. */
  private async replacement(index: number): Promise<number> {
    const { labels } = this.options;
    const count = labels.length;
    const later = Array.from({ length: count - 1 }, (_, step) => (index + 1 + step) % count);
    const same = later.filter((other) => labels[other] === labels[index]);
    for (const other of [...same, ...later]) if ((await this.crop(other)) !== undefined) return other;
    throw new SphereFaceError('None of the images can be read.', {
      got: this.unreadable[0]?.error ?? 'no image',
      next: 'check the data; sphereface prepare makes crops of the right size',
    });
  }

  private async crop(index: number): Promise<Uint8Array | undefined> {
    const kept = this.cache[index];
    if (kept !== undefined) return kept;
    if (this.broken.has(index)) return undefined;
    const { source, decode, input, fit, cacheBytes } = this.options;
    try {
      const { data } = await decode(await source.read(index), input, fit);
      if (this.cached + data.length <= cacheBytes && this.cache[index] === undefined) {
        this.cache[index] = data;
        this.cached += data.length;
      }
      return data;
    } catch (error) {
      if (!this.broken.has(index)) {
        this.broken.add(index);
        this.unreadable.push({ file: source.entries[index].file, error: messageOf(error) });
      }
      return undefined;
    }
  }
}
