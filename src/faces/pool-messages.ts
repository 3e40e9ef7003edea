// What goes between the pool and its processes.
import type { MtcnnWeights } from './mtcnn/networks.js';
import type { PhotoJob, PhotoResult } from './photo.js';
import type { PhotoSettings } from './photo-settings.js';

/** What a process is started with. */
export interface ProcessSetup {
  readonly weights: MtcnnWeights | undefined;
  readonly settings: PhotoSettings;
  readonly device: 'cpu' | 'cuda' | 'webgpu';
}

/** What it is sent after that. */
export type ProcessMessage = PhotoJob | 'stop';

/** What it answers: results come in the order of the jobs. */
export type ProcessAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly message: string; readonly usage: boolean }
  | { readonly kind: 'searching'; readonly pixels: number }
  | { readonly kind: 'done'; readonly result: PhotoResult };

/** What became of a photo in the pool. */
export interface PoolResult extends PhotoResult {
  /** The photo is unreadable because of how long it took or what it did to the process: it may go better another time. */
  readonly gaveUp?: 'late' | 'died';
}
