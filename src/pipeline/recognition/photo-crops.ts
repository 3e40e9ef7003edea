// From photos to the crops that a model takes: one photo at a time, or a whole source on all cores.
import { messageOf, SphereFaceError, UsageError } from '../../common/errors.js';
import {
  defaultCrop,
  findFaces,
  isUnreadable,
  Mtcnn,
  type MtcnnWeights,
  type PhotoSettings,
  type QuarterTurn,
} from '../../faces/index.js';
import { inOrder } from '../../faces/in-order.js';
import { PhotoPool } from '../../faces/pool.js';
import {
  assertSameAlignment,
  decodeCrop,
  decodePhoto,
  describeAlignment,
  ImageDecodeError,
  type ImageSource,
  type InputSpec,
  type OpenedSource,
  type Picture,
} from '../../images/index.js';
import type { Device } from '../../runtime/index.js';
import { DetectedFace } from './face.js';
import type { ModelCrops } from './model-crops.js';
import { type PhotoInput, readPhoto } from './photo-input.js';

/** What is taken for a face: a photo, whose chosen face is meant, or a face that was detected. */
export type FaceInput = PhotoInput | DetectedFace;

/** The crop of a photo. */
export interface PhotoCrop {
  readonly file: string;
  readonly crop: Picture;
  /** How many faces the photo has; `undefined` for photos that are crops already. */
  readonly faces: number | undefined;
  /** Degrees clockwise by which the photo had to be turned; absent where it is upright. */
  readonly rotation?: QuarterTurn;
}

/** A photo that gave no crop, and why. */
export interface PhotoProblem {
  readonly file: string;
  readonly error: string;
}

export interface PhotoCropsOptions {
  readonly input: InputSpec;
  readonly settings: Omit<PhotoSettings, 'crop'>;
  readonly device?: Device;
  readonly threads: number;
}

/** Where crops come from. */
export interface PhotoCrops extends AsyncDisposable {
  /** All faces of a photo, best first. @throws SphereFaceError where photos are crops already. */
  detect(photo: PhotoInput): Promise<DetectedFace[]>;
  /** @throws SphereFaceError for a photo without a face, ImageDecodeError for what is no image. */
  cropOf(face: FaceInput): Promise<PhotoCrop>;
  /** Refuses a source of the other kind, and crops of another alignment than the model's. `path` names it. */
  requireFit(source: Pick<OpenedSource, 'alignment'>, path: string): void;
  /** The entries `indices` of a source, in this order. What gives no crop is reported in its place and never thrown. */
  cropsOf(
    source: Pick<ImageSource, 'entries' | 'read'>,
    indices: readonly number[],
  ): AsyncGenerator<PhotoCrop | PhotoProblem, void, undefined>;
  dispose(): Promise<void>;
}

/** Crops that are decoded at a time. */
const ahead = 8;

/** Photos that are crops already: nothing is detected. */
export class GivenCrops implements PhotoCrops {
  constructor(private readonly input: InputSpec) {}

  detect(): Promise<never> {
    return Promise.reject(
      new UsageError('Faces are not looked for where photos are aligned crops.', {
        next: 'open the recognizer without `aligned`',
      }),
    );
  }

  async cropOf(face: FaceInput): Promise<PhotoCrop> {
    if (face instanceof DetectedFace) return { file: face.file, crop: face.crop(), faces: 1 };
    const { file, bytes, picture } = await readPhoto(face);
    return { file, crop: picture ?? (await named(file, decodeCrop(bytes, this.input))), faces: undefined };
  }

  requireFit({ alignment }: Pick<OpenedSource, 'alignment'>): void {
    assertSameAlignment(this.input, alignment);
  }

  async *cropsOf(
    source: Pick<ImageSource, 'entries' | 'read'>,
    indices: readonly number[],
  ): AsyncGenerator<PhotoCrop | PhotoProblem, void, undefined> {
    yield* inOrder(indices, ahead, async (index) => {
      const { file } = source.entries[index]!;
      try {
        return { file, crop: await decodeCrop(await source.read(index), this.input), faces: undefined };
      } catch (error) {
        return { file, error: messageOf(error) };
      }
    });
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** Detects and aligns. */
export class AlignedPhotos implements PhotoCrops {
  private constructor(
    private readonly detector: Mtcnn,
    private readonly crops: ModelCrops,
    private readonly weights: MtcnnWeights,
    private readonly options: PhotoCropsOptions,
  ) {}

  static async open(weights: MtcnnWeights, crops: ModelCrops, options: PhotoCropsOptions): Promise<AlignedPhotos> {
    const { threads, settings } = options;
    const detector = await Mtcnn.create(weights, { ...placeOf(options), threads, settings: settings.detector });
    return new AlignedPhotos(detector, crops, weights, options);
  }

  async detect(photo: PhotoInput): Promise<DetectedFace[]> {
    const { maxPixels, strict, choice, rotations } = this.options.settings;
    const { file, bytes, picture: given } = await readPhoto(photo);
    const picture = given ?? (await named(file, decodePhoto(bytes, { limitInputPixels: maxPixels, strict })));
    const { faces, chosen, rotation } = await findFaces(this.detector, picture, { choice, rotations });
    const turn = rotation === 0 ? undefined : rotation;
    return faces.map((face, index) => new DetectedFace(file, picture, face, index === chosen, this.crops, turn));
  }

  async cropOf(face: FaceInput): Promise<PhotoCrop> {
    if (face instanceof DetectedFace) return { file: face.file, crop: face.crop(), faces: 1 };
    const faces = await this.detect(face);
    const chosen = faces.find((found) => found.chosen);
    if (chosen !== undefined) {
      const { file, rotation } = chosen;
      return { file, crop: chosen.crop(), faces: faces.length, ...(rotation === undefined ? {} : { rotation }) };
    }
    const { minSize } = this.options.settings.detector;
    throw new SphereFaceError(`There is no face in ${typeof face === 'string' ? face : 'the photo'}`, {
      expected: `a face of at least ${minSize} pixels`,
      next: 'use another photo; lower `minSize` or `thresholds`; or give aligned crops: `aligned`',
    });
  }

  requireFit({ alignment }: Pick<OpenedSource, 'alignment'>, path: string): void {
    if (alignment === undefined) return;
    throw new UsageError(`${path} holds aligned crops, in which faces are not found again.`, {
      got: describeAlignment(alignment),
      expected: 'photos',
      next: 'give the photos that they were cut from, or say that they are crops: `aligned`',
    });
  }

  async *cropsOf(
    source: Pick<ImageSource, 'entries' | 'read'>,
    indices: readonly number[],
  ): AsyncGenerator<PhotoCrop | PhotoProblem, void, undefined> {
    if (indices.length === 0) return;
    const { settings, threads } = this.options;
    const { solver, size } = this.crops;
    await using pool = await PhotoPool.start({
      weights: this.weights,
      // Without loss, so that a photo's embedding is the same by either way.
      settings: { ...settings, crop: { ...defaultCrop, size, solver, missing: 'skip', format: 'png' } },
      threads: Math.min(threads, indices.length),
      ...placeOf(this.options),
    });
    yield* inOrder(indices, pool.capacity, async (index) => {
      const { file } = source.entries[index]!;
      let bytes: Uint8Array;
      try {
        bytes = await source.read(index);
      } catch (error) {
        return { file, error: messageOf(error) };
      }
      const { detection, crops } = await pool.run({ file, bytes });
      if (isUnreadable(detection)) return { file, error: detection.error };
      if (crops.length === 0) return { file, error: 'no face found' };
      const crop = await decodeCrop(crops[0].bytes, this.options.input);
      const { faces, rotation } = detection;
      return { file, crop, faces: faces.length, ...(rotation === undefined ? {} : { rotation }) };
    });
  }

  dispose(): Promise<void> {
    return this.detector.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** The device, as the faces layer takes it; it knows Node's devices only. */
function placeOf({ device }: PhotoCropsOptions) {
  return device === undefined || device === 'wasm' ? {} : { device };
}

/** Names the photo in the error of its decoding. */
async function named<T>(file: string, decoding: Promise<T>): Promise<T> {
  try {
    return await decoding;
  } catch (error) {
    if (!(error instanceof SphereFaceError)) throw error;
    const [what, ...rest] = error.message.split('\n');
    throw new ImageDecodeError([`${file}: ${what}`, ...rest].join('\n'), { cause: error });
  }
}
