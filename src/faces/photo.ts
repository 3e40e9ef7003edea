// One photo from its bytes to its crop: decode, detect, choose, align, encode.
import { messageOf } from '../common/errors.js';
import { decodePhoto } from '../images/decode.js';
import { type CropFormat, encodePicture } from '../images/encode.js';
import type { Picture } from '../images/source.js';
import { alignFace, cropCenter, type MissingFacePolicy } from './align.js';
import { chooseFace, type FaceChoice } from './choose.js';
import type { Face } from './geometry.js';
import { type DetectorSettings, Mtcnn, publishedDetector } from './mtcnn/detector.js';
import type { MtcnnWeights } from './mtcnn/networks.js';
import type { DetectionRecord } from './records.js';
import type { SimilaritySolver } from './similarity.js';
import { type CropSizeName, templates } from './template.js';

/** How crops are made and stored. */
export interface CropSettings {
  readonly size: CropSizeName;
  readonly solver: SimilaritySolver;
  /** What to make of a photo without a face. `fail` is the caller's business: no crop is made. */
  readonly missing: MissingFacePolicy;
  readonly format: CropFormat;
  /** JPEG quality, 1 to 100; no chroma subsampling. Ignored for PNG. */
  readonly quality: number;
}

/** The published alignment; stored better than the published crops, whose JPEG quality is Matlab's default, 75. */
export const defaultCrop: CropSettings = {
  size: '112x96',
  solver: 'cp2tform',
  missing: 'skip',
  format: 'jpg',
  quality: 95,
};

export interface PhotoSettings {
  readonly detector: DetectorSettings;
  readonly choice: FaceChoice;
  /** Photos with more pixels are refused (a bound on memory: 3 bytes a pixel, for each worker). */
  readonly maxPixels: number;
  /** Absent: detect only. */
  readonly crop?: CropSettings;
}

/** The published detection. */
export const defaultPhotoSettings: PhotoSettings = {
  detector: publishedDetector,
  choice: 'nearest-center',
  maxPixels: 1e8,
};

/** A photo to work on. */
export interface PhotoJob {
  readonly file: string;
  readonly bytes: Uint8Array;
  /** Faces that are known already; absent: detect. */
  readonly known?: { readonly faces: readonly Face[]; readonly chosen: number | null };
}

export interface PhotoResult {
  readonly detection: DetectionRecord;
  /** The encoded crop, when one was made. */
  readonly crop?: Uint8Array;
}

/** Works on photos, one after the other. */
export class PhotoProcessor implements AsyncDisposable {
  private constructor(
    private readonly detector: Mtcnn | undefined,
    private readonly settings: PhotoSettings,
  ) {}

  /** @param weights absent: every job must bring its known faces. */
  static async create(
    weights: MtcnnWeights | undefined,
    settings: PhotoSettings,
    options: { readonly device?: 'cpu' | 'cuda' | 'webgpu'; readonly threads?: number } = {},
  ): Promise<PhotoProcessor> {
    const detector =
      weights === undefined ? undefined : await Mtcnn.create(weights, { ...options, settings: settings.detector });
    return new PhotoProcessor(detector, settings);
  }

  /** The decoding alone, so that it can run ahead of the rest. */
  decode(bytes: Uint8Array): Promise<Picture> {
    return decodePhoto(bytes, { limitInputPixels: this.settings.maxPixels });
  }

  /** The work on a decoded photo, up to the crop before it is encoded. */
  async work(
    picture: Picture,
    job: PhotoJob,
  ): Promise<{ readonly detection: DetectionRecord; readonly crop?: Picture }> {
    const { width, height } = picture;
    const { faces, chosen } = job.known ?? (await this.detect(picture));
    const detection = { file: job.file, width, height, faces, chosen };
    const { crop: settings } = this.settings;
    if (settings === undefined) return { detection };
    const template = templates[settings.size];
    if (chosen !== null) {
      return { detection, crop: alignFace(picture, faces[chosen].landmarks, template, settings.solver) };
    }
    return settings.missing === 'center' ? { detection, crop: cropCenter(picture, template) } : { detection };
  }

  /** Everything, in one go. A photo that cannot be decoded gives a record with `error`; nothing is thrown for it. */
  async process(job: PhotoJob, decoded: Promise<Picture> = this.decode(job.bytes)): Promise<PhotoResult> {
    try {
      const { detection, crop } = await this.work(await decoded, job);
      return crop === undefined ? { detection } : { detection, crop: await encodePicture(crop, this.settings.crop) };
    } catch (error) {
      return { detection: { file: job.file, error: messageOf(error) } };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.detector?.[Symbol.asyncDispose]();
  }

  private async detect(picture: Picture) {
    const faces = (await this.detector?.detect(picture)) ?? [];
    return { faces, chosen: chooseFace(faces, picture, this.settings.choice) ?? null };
  }
}
