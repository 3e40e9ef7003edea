// What a gallery needs of a recognizer: embeddings of photos, and what they may be compared with.
import type { AlignmentSpec, ImageSource, OpenedSource } from '../../images/index.js';
import type { Calibration } from '../../models/index.js';
import type { QuarterTurn } from '../../faces/index.js';
import type { FaceInput } from './photo-crops.js';

/** A photo's embedding. */
export interface EmbeddedFace {
  /** The photo's path, or its name in the source. */
  readonly file: string;
  /** As the network gives it, followed by the mirrored picture's where the recognizer embeds both. */
  readonly embedding: Float32Array;
  /** How many faces the photo has; `undefined` for photos that are crops already. */
  readonly faces: number | undefined;
  /** Degrees clockwise by which the photo had to be turned for its face to be upright; absent where it is upright. */
  readonly rotation?: QuarterTurn;
  readonly error?: undefined;
}

/** A photo without an embedding, and why: unreadable, or without a face. */
export interface FailedPhoto {
  readonly file: string;
  readonly embedding?: undefined;
  readonly faces?: undefined;
  readonly error: string;
}

/** What embeddings are made by: two galleries or photos may be compared when this is the same. */
export interface EmbeddingOrigin {
  /** SHA-256 of the network. */
  readonly model: string;
  readonly alignment: AlignmentSpec;
  /** Whether the mirrored picture's embedding follows the picture's. */
  readonly flip: boolean;
  /** Values of an embedding, both parts together. */
  readonly width: number;
}

/** Turns photos into embeddings. */
export interface Embedder {
  readonly origin: EmbeddingOrigin;
  readonly calibration: Calibration | undefined;
  /** The model, as errors name it. */
  readonly modelName: string;
  /** How faces are found and chosen, as JSON: photos enrolled in another way are enrolled again. */
  readonly settings: string;
  /** The embedding of each, in this order. @throws SphereFaceError for the first that gives none. */
  embedFaces(faces: readonly FaceInput[]): Promise<EmbeddedFace[]>;
  /** Refuses a source of crops where photos are meant, the reverse, and crops of another alignment. `path` names it. */
  requireFit(source: Pick<OpenedSource, 'alignment'>, path: string): void;
  /** Entries of a source, in this order; what gives no embedding is reported in its place. */
  embedSource(
    source: Pick<ImageSource, 'entries' | 'read'>,
    indices: readonly number[],
  ): AsyncGenerator<EmbeddedFace | FailedPhoto, void, undefined>;
}
