// One photo from its bytes to its crop: decode, detect, choose, align, encode.
import { messageOf } from '../common/errors.js';
import { decodePhoto } from '../images/decode.js';
import { encodePicture } from '../images/encode.js';
import type { Picture } from '../images/source.js';
import { alignFace, cropCenter } from './align.js';
import { findFaces } from './find-faces.js';
import { Mtcnn } from './mtcnn/detector.js';
import type { MtcnnWeights } from './mtcnn/networks.js';
import type { PhotoSettings } from './photo-settings.js';
import type { DetectedPhoto, DetectionRecord } from './records.js';
import { templates } from './template.js';

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
