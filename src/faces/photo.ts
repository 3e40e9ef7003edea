// One photo from its bytes to its crop: decode, detect, choose, align, encode.
import { messageOf } from '../common/errors.js';
import { decodePhoto } from '../images/decode.js';
import { type CropFormat, encodePicture } from '../images/encode.js';
import type { Picture } from '../images/source.js';
import { alignFace, cropCenter, type MissingFacePolicy } from './align.js';
import type { FaceChoice } from './choose.js';
import { findFaces, type RotationMode } from './find-faces.js';
import { type DetectorSettings, Mtcnn, publishedDetector } from './mtcnn/detector.js';
import type { MtcnnWeights } from './mtcnn/networks.js';
import type { DetectedPhoto, DetectionRecord } from './records.js';
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

/** A photo to work on. */
export interface PhotoJob {
  readonly file: string;
  readonly bytes: Uint8Array;
  /** Faces that are known already; absent: detect. */
  readonly known?: Pick<DetectedPhoto, 'faces' | 'chosen' | 'rotation'>;
}

/** An encoded crop. */
export interface PhotoCrop {
  /** The face's index in the detection; `null`: there is none, this is the photo's middle. */
  readonly face: number | null;
  readonly bytes: Uint8Array;
}

export interface PhotoResult {
  readonly detection: DetectionRecord;
  /** The photo's person first. */
  readonly crops: readonly PhotoCrop[];
}

/** Called before each search for faces, with how many pixels are searched. */
export type OnSearch = (pixels: number) => void;

/** Works on photos, one after the other. */
export class PhotoProcessor implements AsyncDisposable {
  private constructor(
    private readonly detector: Mtcnn | undefined,
    private readonly settings: PhotoSettings,
    private readonly onSearch: OnSearch | undefined,
  ) {}

  /** @param weights absent: every job must bring its known faces. */
  static async create(
    weights: MtcnnWeights | undefined,
    settings: PhotoSettings,
    options: {
      readonly device?: 'cpu' | 'cuda' | 'webgpu';
      readonly threads?: number;
      readonly onSearch?: OnSearch;
    } = {},
  ): Promise<PhotoProcessor> {
    const { onSearch, ...device } = options;
    const detector =
      weights === undefined ? undefined : await Mtcnn.create(weights, { ...device, settings: settings.detector });
    return new PhotoProcessor(detector, settings, onSearch);
  }

  /** The decoding alone, so that it can run ahead of the rest. */
  decode(bytes: Uint8Array): Promise<Picture> {
    const { maxPixels, strict } = this.settings;
    return decodePhoto(bytes, { limitInputPixels: maxPixels, strict });
  }

  /** Everything, in one go. A photo that cannot be decoded gives a record with `error`; nothing is thrown for it. */
  async process(job: PhotoJob, decoded: Promise<Picture> = this.decode(job.bytes)): Promise<PhotoResult> {
    try {
      const picture = await decoded;
      const { width, height, damaged } = picture;
      const { faces, chosen, rotation } = job.known ?? (await this.detect(picture));
      const detection: DetectedPhoto = {
        file: job.file,
        width,
        height,
        faces,
        chosen,
        ...(rotation === undefined ? {} : { rotation }),
        ...(damaged === undefined ? {} : { damaged }),
      };
      return { detection, crops: await this.crops(picture, detection) };
    } catch (error) {
      return { detection: { file: job.file, error: messageOf(error) }, crops: [] };
    }
  }

  async dispose(): Promise<void> {
    await this.detector?.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async detect(picture: Picture): Promise<Pick<DetectedPhoto, 'faces' | 'chosen' | 'rotation'>> {
    if (this.detector === undefined) return { faces: [], chosen: null };
    const search = () => this.onSearch?.(picture.width * picture.height);
    search();
    const { choice, rotations } = this.settings;
    const { faces, chosen, rotation } = await findFaces(this.detector, picture, { choice, rotations, onTurn: search });
    return { faces, chosen, ...(rotation === 0 ? {} : { rotation }) };
  }

  private async crops(picture: Picture, { faces, chosen }: DetectedPhoto): Promise<PhotoCrop[]> {
    const { crop: settings } = this.settings;
    if (settings === undefined) return [];
    const template = templates[settings.size];
    if (chosen === null) {
      if (settings.missing !== 'center') return [];
      return [{ face: null, bytes: await encodePicture(cropCenter(picture, template), settings) }];
    }
    const others = settings.faces === 'all' ? [...faces.keys()].filter((face) => face !== chosen) : [];
    const crops: PhotoCrop[] = [];
    for (const face of [chosen, ...others]) {
      const crop = alignFace(picture, faces[face].landmarks, template, settings.solver);
      crops.push({ face, bytes: await encodePicture(crop, settings) });
    }
    return crops;
  }
}
