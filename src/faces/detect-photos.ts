// Detection over a source of photos, in order, on all cores.
import { InterruptedError, messageOf } from '../common/errors.js';
import type { OpenedSource } from '../images/source.js';
import type { MtcnnWeights } from './mtcnn/networks.js';
import { defaultPhotoSettings, type PhotoSettings } from './photo-settings.js';
import { inOrder } from './in-order.js';
import { PhotoPool } from './pool.js';
import type { DetectionRecord } from './records.js';

export interface DetectPhotosOptions {
  readonly source: OpenedSource;
  readonly weights: MtcnnWeights;
  readonly settings?: Omit<PhotoSettings, 'crop'>;
  readonly threads: number;
  readonly device?: 'cpu' | 'cuda' | 'webgpu';
  /** How long a photo may take; see {@link defaultPhotoSeconds}. */
  readonly photoSeconds?: number;
  /** Ends the work early. */
  readonly signal?: AbortSignal;
}

/**
 * A record per photo, in the order of the source; unreadable photos have one with `error`.
 * @throws InterruptedError when `signal` was aborted.
 */
export async function* detectPhotos(options: DetectPhotosOptions): AsyncGenerator<DetectionRecord, void, undefined> {
  const { source, weights, settings = defaultPhotoSettings, threads, device, photoSeconds, signal } = options;
  await using pool = await PhotoPool.start({ weights, settings, threads, device, photoSeconds });
  const detect = async (index: number): Promise<DetectionRecord> => {
    const { file } = source.entries[index];
    let bytes: Uint8Array;
    try {
      bytes = await source.read(index);
    } catch (error) {
      return { file, error: messageOf(error) };
    }
    return (await pool.run({ file, bytes })).detection;
  };
  for await (const record of inOrder(source.entries.keys(), pool.capacity, detect)) {
    if (signal?.aborted === true) throw new InterruptedError();
    yield record;
  }
}
