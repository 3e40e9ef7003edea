// The front door in a browser: a model and a face detector together. Photos in; faces, embeddings, decisions and people out.
import { Lifetime, messageOf, SphereFaceError, UsageError } from '../common/browser.js';
import type { Box, MtcnnWeights } from '../faces/browser.js';
import type { InputSpec, Picture } from '../images/browser.js';
import { type Calibration, type ModelMetadata, openModelBytes, type PictureEmbedder } from '../models/browser.js';
import {
  chooseThreshold,
  DetectedFace,
  type EmbeddedPhoto,
  groupFaces,
  type ThresholdOptions,
  type Verification,
  verificationOf,
} from '../pipeline/browser.js';
import { FaceFinder, type FaceFinderOptions } from './detector.js';
import { deviceOf } from './engine.js';
import { nameOf, type PhotoSource } from './picture.js';

/** How to open a recognizer. */
export interface RecognizerOptions extends Omit<FaceFinderOptions, 'input'> {
  /** Names the model in errors; a `File`'s own name by default. */
  readonly name?: string;
  /** The input convention of a model that does not state its own. */
  readonly inputSpec?: InputSpec;
  /** The output that is the embedding, where a model from elsewhere has several that could be it. */
  readonly modelOutput?: string;
  /**
   * Whether the mirrored picture's embedding follows the picture's. By default as the model was calibrated; where it is not, yes, as
   * the published protocol has it.
   */
  readonly flip?: boolean;
}

/** What is taken for a face: a photo, whose chosen face is meant, or a face that was found. */
export type FaceSource = PhotoSource | DetectedFace;

/** How people are told apart in {@link BrowserRecognizer.findPeople}. */
export interface PeopleOptions extends ThresholdOptions {
  /** After each photo: how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** When aborted, the photos so far are grouped. */
  readonly signal?: AbortSignal;
}

/** One face of {@link BrowserRecognizer.findPeople}. */
export interface FoundFace {
  /** The photo's place among those given. */
  readonly photo: number;
  /** In the photo's pixels. */
  readonly box: Box;
  /** The aligned crop: photos are not kept. */
  readonly crop: Picture;
  readonly embedding: Float32Array;
}

/** People found in a set of photos. */
export interface FoundPeople {
  /** The faces of each person, the person with the most first. */
  readonly people: readonly (readonly FoundFace[])[];
  /** Photos in which no face was found, by their places. */
  readonly without: readonly number[];
  /** Photos that could not be read, by their places. */
  readonly failed: readonly { readonly photo: number; readonly error: string }[];
  /** Faces whose mean cosine is above it are one person. */
  readonly threshold: number;
}

/**
 * Recognizes faces with a model, as `FaceRecognizer` of `sphereface-plus` does in Node, with the same results for the same pixels. Methods
 * may be called side by side; `dispose` waits for what is under way.
 */
export class BrowserRecognizer implements AsyncDisposable {
  private readonly life = new Lifetime('face recognizer');

  private constructor(
    private readonly network: PictureEmbedder,
    private readonly finder: FaceFinder,
    /** Whether the mirrored picture's embedding follows the picture's. */
    readonly flip: boolean,
  ) {}

  /**
   * Opens a model file and the detector that finds its faces. Start the engine first (`startEngine`).
   * @param model a `File` or other Blob, or the bytes
   * @throws ModelFileError for what is no model, or does not state its input; SphereFaceError where its crops cannot be made here.
   */
  static async open(
    model: Blob | Uint8Array,
    weights: MtcnnWeights,
    options: RecognizerOptions = {},
  ): Promise<BrowserRecognizer> {
    const { name, inputSpec, modelOutput, flip, ...finding } = options;
    const bytes = model instanceof Uint8Array ? model : new Uint8Array(await model.arrayBuffer());
    const path = name ?? (model as { readonly name?: string }).name ?? 'the model';
    const network = await openModelBytes(bytes, path, {
      ...(await deviceOf(options.device)),
      ...(inputSpec === undefined ? {} : { inputSpec }),
      ...(modelOutput === undefined ? {} : { modelOutput }),
    });
    try {
      const finder = await FaceFinder.open(weights, { ...finding, input: network.input });
      return new BrowserRecognizer(network, finder, flip ?? network.metadata.calibration?.flip ?? true);
    } catch (error) {
      await network.dispose();
      throw error;
    }
  }

  /** What the model says of itself. */
  get metadata(): ModelMetadata {
    return this.network.metadata;
  }

  get calibration(): Calibration | undefined {
    return this.network.metadata.calibration;
  }

  /** Which engine runs the model, in words. */
  get device(): string {
    return this.network.description;
  }

  /** All faces of a photo, best first; empty where there is none. @throws ImageDecodeError for what the browser cannot decode. */
  detect(photo: PhotoSource): Promise<DetectedFace[]> {
    return this.life.use(() => this.finder.find(photo));
  }

  /** The embedding of each, in this order. @throws SphereFaceError for the first photo without a face. */
  embed(faces: readonly FaceSource[]): Promise<EmbeddedPhoto[]> {
    return this.life.use(async () => {
      const found: { readonly face: DetectedFace; readonly of: number }[] = [];
      for (const face of faces) found.push(await this.chosenFace(face));
      const rows = await this.embedCrops(found.map(({ face }) => face.crop()));
      return found.map(({ face: { file, rotation }, of }, i) => ({
        file,
        faces: of,
        embedding: rows[i],
        ...(rotation === undefined ? {} : { rotation }),
      }));
    });
  }

  /**
   * Whether two photos show one person; several photos a side are taken together.
   * @throws SphereFaceError for a photo without a face, UsageError for a rate that the model is not calibrated for.
   */
  async verify(
    a: FaceSource | readonly FaceSource[],
    b: FaceSource | readonly FaceSource[],
    options: ThresholdOptions = {},
  ): Promise<Verification> {
    const chosen = chooseThreshold(options, this);
    const [left, right] = [asList(a), asList(b)];
    const embedded = await this.embed([...left, ...right]);
    return verificationOf(embedded.slice(0, left.length), embedded.slice(left.length), chosen);
  }

  /**
   * Finds the faces of all photos and groups them into people.
   * @throws UsageError for a model without thresholds where none is given.
   */
  async findPeople(photos: readonly PhotoSource[], options: PeopleOptions = {}): Promise<FoundPeople> {
    const chosen = chooseThreshold(options, this);
    if (chosen === undefined) {
      throw new UsageError(
        'The model is not calibrated, so that it does not say from which similarity on two faces are one person.',
        { next: 'give a `threshold`' },
      );
    }
    return this.life.use(async () => {
      const faces: FoundFace[] = [];
      const without: number[] = [];
      const failed: { photo: number; error: string }[] = [];
      for (const [photo, source] of photos.entries()) {
        if (options.signal?.aborted === true) break;
        try {
          const found = await this.finder.find(source);
          const crops = found.map((face) => face.crop());
          const rows = await this.embedCrops(crops);
          if (found.length === 0) without.push(photo);
          faces.push(...crops.map((crop, i) => ({ photo, box: found[i].box, crop, embedding: rows[i] })));
        } catch (error) {
          failed.push({ photo, error: messageOf(error) });
        }
        options.onProgress?.(photo + 1, photos.length);
      }
      const groups = groupFaces(
        faces.map(({ embedding }) => embedding),
        chosen.threshold,
      );
      return {
        people: groups.map((group) => group.map((face) => faces[face])),
        without,
        failed,
        threshold: chosen.threshold,
      };
    });
  }

  /** Releases model and detector, when what is under way has ended. Safe to call twice. */
  dispose(): Promise<void> {
    return this.life.end(async () => {
      await this.finder.dispose();
      await this.network.dispose();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Names the model in errors. */
  get modelName(): string {
    return this.network.path;
  }

  private async chosenFace(face: FaceSource): Promise<{ readonly face: DetectedFace; readonly of: number }> {
    if (face instanceof DetectedFace) return { face, of: 1 };
    const found = await this.finder.find(face);
    const chosen = found.find((one) => one.chosen);
    if (chosen !== undefined) return { face: chosen, of: found.length };
    throw new SphereFaceError(`There is no face in ${nameOf(face)}.`, { next: 'use another photo' });
  }

  private async embedCrops(crops: readonly Picture[]): Promise<Float32Array[]> {
    const rows = await this.network.embed(crops, { flip: this.flip });
    const width = this.network.embeddingSize * (this.flip ? 2 : 1);
    return crops.map((_, i) => rows.slice(i * width, (i + 1) * width));
  }
}

function asList(faces: FaceSource | readonly FaceSource[]): readonly FaceSource[] {
  return Array.isArray(faces) ? (faces as readonly FaceSource[]) : [faces as FaceSource];
}
