// How photos are searched and crops made: the settings, and the published ones.
import type { CropFormat } from '../images/encode.js';
import type { MissingFacePolicy } from './align.js';
import type { FaceChoice } from './choose.js';
import type { RotationMode } from './find-faces.js';
import { type DetectorSettings, publishedDetector } from './mtcnn/detector.js';
import type { SimilaritySolver } from './similarity.js';
import type { CropSizeName } from './template.js';

/** How crops are made and stored. */
export interface CropSettings {
  readonly size: CropSizeName;
  readonly solver: SimilaritySolver;
  /** What to make of a photo without a face. `fail` is the caller's business: no crop is made. */
  readonly missing: MissingFacePolicy;
  readonly format: CropFormat;
  /** JPEG quality, 1 to 100; no chroma subsampling. Ignored for PNG. */
  readonly quality: number;
  /** Whose crops are made: the photo's person's, or everybody's. */
  readonly faces: FaceSelection;
}

export const faceSelections = ['chosen', 'all'] as const;
export type FaceSelection = (typeof faceSelections)[number];

/** The published alignment; stored better than the published crops, whose JPEG quality is Matlab's default, 75. */
export const defaultCrop: CropSettings = {
  size: '112x96',
  solver: 'cp2tform',
  missing: 'skip',
  format: 'jpg',
  quality: 95,
  faces: 'chosen',
};

export interface PhotoSettings {
  readonly detector: DetectorSettings;
  readonly choice: FaceChoice;
  readonly rotations: RotationMode;
  /** Photos with more pixels are refused (a bound on memory: 3 bytes a pixel, for each worker). */
  readonly maxPixels: number;
  /** Refuses damaged photos; otherwise what is there of them is searched. */
  readonly strict: boolean;
  /** Absent: detect only. */
  readonly crop?: CropSettings;
}

/** The published detection. */
export const defaultPhotoSettings: PhotoSettings = {
  detector: publishedDetector,
  choice: 'nearest-center',
  rotations: 'auto',
  maxPixels: 1e8,
  strict: false,
};
