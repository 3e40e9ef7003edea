// The front door: a model and a face detector together. Photos in; faces, embeddings, decisions and galleries out.
import { availableParallelism } from 'node:os';
import { Lifetime } from '../../common/lifetime.js';
import { messageOf } from '../../common/errors.js';
import {
  defaultPhotoSettings,
  type DetectorSettings,
  type FaceChoice,
  loadMtcnnWeights,
  type MtcnnWeights,
  type PhotoSettings,
  type RotationMode,
} from '../../faces/index.js';
import { type ImageSource, type InputSpec, type OpenedSource, openImageSource } from '../../images/index.js';
import { loadStarter, type Model, type ModelSource, openModel } from '../../models/index.js';
import type { Device } from '../../runtime/index.js';
import { weightsPlace } from '../weights-place.js';
import type { EmbeddedFace, Embedder, EmbeddingOrigin, FailedPhoto } from './embedder.js';
import type { DetectedFace } from './face.js';
import { Gallery, type GalleryOptions } from './gallery/gallery.js';
import type { EnrollOptions } from './gallery/enroll.js';
import { cropsOf } from './model-crops.js';
import {
  AlignedPhotos,
  type FaceInput,
  GivenCrops,
  type PhotoCrop,
  type PhotoCrops,
  type PhotoProblem,
} from './photo-crops.js';
import { pathOf, type PhotoInput } from './photo-input.js';
import { chooseThreshold, type ThresholdOptions } from './threshold.js';
import { type Verification, verificationOf } from './verification.js';

/** How to open a recognizer. */
export interface RecognizerOptions {
  /** Where model and detector run. Default `cpu` (in a browser `wasm`). */
  readonly device?: Device;
  /** Threads to compute with; one per core by default. */
  readonly threads?: number;
  /** The input convention of a model that does not state its own. */
  readonly inputSpec?: InputSpec;
  /** The output that is the embedding, where a model from elsewhere has several that could be it. */
  readonly modelOutput?: string;
  /** Photos are aligned crops already: no face is looked for, and no detector is loaded. */
  readonly aligned?: boolean;
  /** The folder of the detector's weights and of the starter embedder; by default the cache, which is filled from the network the first time. */
  readonly models?: string;
  /** The detector's weights themselves, as `loadMtcnnWeights` gives them, in place of `models`. */
  readonly weights?: MtcnnWeights;
  /** The detector's settings that differ from the published ones. */
  readonly detector?: Partial<DetectorSettings>;
  /** Which face stands for a photo with several; `nearest-center` (published) by default. */
  readonly choose?: FaceChoice;
  /** `auto` (default): photos in which no upright face is sure are turned; `none`: all are taken as they are. */
  readonly rotations?: RotationMode;
  /** Photos with more pixels are refused; 100 million by default. */
  readonly maxPixels?: number;
  /**
   * Whether the mirrored picture's embedding follows the picture's. By default as the model was calibrated; where it is not, yes, as
   * the published protocol has it.
   */
  readonly flip?: boolean;
  /** Told about steps that take long: fetching weights. */
  readonly log?: (line: string) => void;
  /** Told once what is odd about the model: that it takes one picture at a time though its file leaves the batch open. */
  readonly onWarning?: (text: string) => void;
}

/** Crops that go through the network at once. */
const batchSize = 32;

/**
 * Recognizes faces with a model. All methods may be called side by side; `dispose` waits for what is under way. On any failure of a
 * photo the error says which photo and what to do; in sources of many, failed photos are reported in their place.
 */
export class FaceRecognizer implements AsyncDisposable, Embedder {
  private readonly life = new Lifetime('face recognizer');

  private constructor(
    private readonly network: Model,
    private readonly photos: PhotoCrops,
    /** Whether the mirrored picture's embedding follows the picture's. */
    readonly flip: boolean,
    readonly settings: string,
  ) {}

  /**
   * Opens a model file (path, `file:` URL or bytes), and the detector that finds its faces. Without a model the starter embedder is taken
   * (`starterModel` of `sphereface-plus/models` says what it is), which is fetched the first time.
   * @throws ModelFileError for a file that is no model, or does not state its input
   * @throws SphereFaceError for a model whose crops cannot be made here, and where weights cannot be had
   * @throws DeviceError for a device that is not there.
   */
  static open(model: ModelSource, options?: RecognizerOptions): Promise<FaceRecognizer>;
  static open(options?: RecognizerOptions): Promise<FaceRecognizer>;
  static async open(
    modelOrOptions: ModelSource | RecognizerOptions = {},
    optionsOfModel: RecognizerOptions = {},
  ): Promise<FaceRecognizer> {
    const [model, options] = isModelSource(modelOrOptions)
      ? [modelOrOptions, optionsOfModel]
      : [undefined, modelOrOptions];
    const { device, inputSpec, modelOutput, onWarning, aligned = false, threads = availableParallelism() } = options;
    const settings = photoSettings(options);
    const network = await openModel(model ?? (await starterPath(options)), {
      threads,
      ...(device === undefined ? {} : { device }),
      ...(inputSpec === undefined ? {} : { inputSpec }),
      ...(modelOutput === undefined ? {} : { modelOutput }),
      ...(onWarning === undefined ? {} : { onWarning }),
    });
    try {
      const flip = options.flip ?? network.metadata.calibration?.flip ?? true;
      const { input } = network;
      if (aligned) return new FaceRecognizer(network, new GivenCrops(input), flip, JSON.stringify({ aligned }));
      const crops = cropsOf(input);
      const weights = options.weights ?? (await loadWeights(options));
      const source = { input, settings, threads, ...(device === undefined ? {} : { device }) };
      const photos = await AlignedPhotos.open(weights, crops, source);
      return new FaceRecognizer(network, photos, flip, JSON.stringify(settings));
    } catch (error) {
      await network.dispose();
      throw error;
    }
  }

  /** The model: its input, metadata and calibration, and the device it runs on. */
  get model(): Pick<Model, 'path' | 'metadata' | 'input' | 'embeddingSize' | 'description' | 'digest'> {
    return this.network;
  }

  /** What its embeddings may be compared with. */
  get origin(): EmbeddingOrigin {
    const { digest, input, embeddingSize } = this.network;
    return { model: digest, alignment: input.alignment, flip: this.flip, width: embeddingSize * (this.flip ? 2 : 1) };
  }

  get calibration() {
    return this.network.metadata.calibration;
  }

  get modelName(): string {
    return this.network.path;
  }

  /**
   * All faces of a photo, best first; empty where there is none.
   * @throws UsageError for a path that cannot be read, ImageDecodeError for what is no image.
   */
  detect(photo: PhotoInput): Promise<DetectedFace[]> {
    return this.life.use(() => this.photos.detect(photo));
  }

  /**
   * Embeds photos, a folder of them (at any depth), a zip or a list: one result per photo, in the order of the source. A photo without a
   * face, or that cannot be read, has no `embedding` but an `error`.
   * @param photos a source's path or `file:` URL, or photos
   * @throws UsageError when there is no such source.
   */
  async *embed(
    photos: string | URL | readonly FaceInput[],
  ): AsyncGenerator<EmbeddedFace | FailedPhoto, void, undefined> {
    if (Array.isArray(photos)) {
      yield* this.embedBatches(this.cropsOfEach(photos as readonly FaceInput[]));
      return;
    }
    const path = pathOf(photos as string | URL);
    const source = await openImageSource(path);
    try {
      this.requireFit(source, path);
      yield* this.embedSource(source, [...source.entries.keys()]);
    } finally {
      await source.dispose();
    }
  }

  /** The embedding of each, in this order. @throws SphereFaceError for the first that gives none. */
  embedFaces(faces: readonly FaceInput[]): Promise<EmbeddedFace[]> {
    return this.life.use(async () => this.embedCrops(await Promise.all(faces.map((face) => this.photos.cropOf(face)))));
  }

  /** Refuses a source of crops where photos are meant, the reverse, and crops of another alignment. `path` names it. */
  requireFit(source: Pick<OpenedSource, 'alignment'>, path: string): void {
    this.photos.requireFit(source, path);
  }

  /** Entries of an open source, in this order; what gives no embedding is reported in its place. */
  embedSource(
    source: Pick<ImageSource, 'entries' | 'read'>,
    indices: readonly number[],
  ): AsyncGenerator<EmbeddedFace | FailedPhoto, void, undefined> {
    return this.embedBatches(this.photos.cropsOf(source, indices));
  }

  /**
   * Whether two photos show one person. Several photos a side are taken together: their embeddings are scaled to length 1, and the
   * means of both sides are compared; the rates are those of single photos all the same, as the model was calibrated on them.
   * @param a a photo or a detected face, or several of one person
   * @throws SphereFaceError for a photo without a face, UsageError for a rate that the model is not calibrated for.
   */
  async verify(
    a: FaceInput | readonly FaceInput[],
    b: FaceInput | readonly FaceInput[],
    options: ThresholdOptions = {},
  ): Promise<Verification> {
    const chosen = chooseThreshold(options, this);
    const [left, right] = [asList(a), asList(b)];
    const embedded = await this.embedFaces([...left, ...right]);
    return verificationOf(embedded.slice(0, left.length), embedded.slice(left.length), chosen);
  }

  /**
   * A gallery of the people in a folder of identity folders, a zip of one, or a list. Photos that give no embedding are the gallery's
   * `problems`. {@link gallery} opens an empty one, and `Gallery.load` one that was saved.
   * @throws UsageError when there is no such source.
   */
  async enroll(people: string | URL, options: GalleryOptions & EnrollOptions = {}): Promise<Gallery> {
    const gallery = this.gallery(options);
    await gallery.enroll(people, options);
    return gallery;
  }

  /** An empty gallery of this recognizer. */
  gallery(options: GalleryOptions = {}): Gallery {
    return Gallery.create(this, options);
  }

  /** A gallery that was saved. @throws SphereFaceError for another model's, and for a damaged one. */
  loadGallery(path: string | URL): Promise<Gallery> {
    return Gallery.load(this, path);
  }

  /** Releases model and detector, when what is under way has ended. Safe to call twice. */
  dispose(): Promise<void> {
    return this.life.end(async () => {
      await this.photos.dispose();
      await this.network.dispose();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async *cropsOfEach(faces: readonly FaceInput[]): AsyncGenerator<PhotoCrop | PhotoProblem, void, undefined> {
    for (const face of faces) {
      try {
        yield await this.photos.cropOf(face);
      } catch (error) {
        yield { file: nameOf(face), error: messageOf(error) };
      }
    }
  }

  /** Collects crops into batches for the network, and gives results in the order of the photos. */
  private async *embedBatches(
    crops: AsyncGenerator<PhotoCrop | PhotoProblem, void, undefined>,
  ): AsyncGenerator<EmbeddedFace | FailedPhoto, void, undefined> {
    let waiting: (PhotoCrop | PhotoProblem)[] = [];
    let filled = 0;
    const flush = async (): Promise<(EmbeddedFace | FailedPhoto)[]> => {
      const held = waiting;
      waiting = [];
      filled = 0;
      const embedded = await this.life.use(() => this.embedCrops(held.filter((photo) => 'crop' in photo)));
      return held.map((photo) => ('crop' in photo ? embedded.shift()! : photo));
    };
    for await (const photo of crops) {
      waiting.push(photo);
      if ('crop' in photo) filled++;
      if (filled === batchSize) yield* await flush();
    }
    yield* await flush();
  }

  private async embedCrops(crops: readonly PhotoCrop[]): Promise<EmbeddedFace[]> {
    const { width } = this.origin;
    const rows = await this.network.embed(
      crops.map(({ crop }) => crop),
      { flip: this.flip, batchSize },
    );
    return crops.map(({ crop: _, ...photo }, i) => ({ ...photo, embedding: rows.slice(i * width, (i + 1) * width) }));
  }
}

function photoSettings(options: RecognizerOptions): Omit<PhotoSettings, 'crop'> {
  const { detector, choose, rotations, maxPixels } = options;
  return {
    detector: { ...defaultPhotoSettings.detector, ...detector },
    choice: choose ?? defaultPhotoSettings.choice,
    rotations: rotations ?? defaultPhotoSettings.rotations,
    maxPixels: maxPixels ?? defaultPhotoSettings.maxPixels,
    strict: defaultPhotoSettings.strict,
  };
}

function isModelSource(value: ModelSource | RecognizerOptions): value is ModelSource {
  return typeof value === 'string' || value instanceof URL || value instanceof Uint8Array;
}

async function loadWeights(options: RecognizerOptions): Promise<MtcnnWeights> {
  return (await loadMtcnnWeights(weightsPlace(options))).weights;
}

async function starterPath(options: RecognizerOptions): Promise<string> {
  return (await loadStarter(weightsPlace(options))).path;
}

function asList(faces: FaceInput | readonly FaceInput[]): readonly FaceInput[] {
  return Array.isArray(faces) ? (faces as readonly FaceInput[]) : [faces as FaceInput];
}

function nameOf(face: FaceInput): string {
  if (typeof face === 'string') return face;
  return face instanceof URL ? face.href : 'the photo';
}
