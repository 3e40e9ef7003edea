// The detector's weights in a browser: files that were chosen, or that lie beside the page; and faces found and aligned with them.
import { Lifetime, SphereFaceError } from '../common/browser.js';
import {
  defaultPhotoSettings,
  type DetectorSettings,
  type FaceChoice,
  findFaces,
  Mtcnn,
  type MtcnnWeights,
  readMtcnnFiles,
  type RotationMode,
  weightFormats,
} from '../faces/browser.js';
import { type InputSpec, type Picture, publishedInput } from '../images/browser.js';
import { cropsOf, DetectedFace, type ModelCrops } from '../pipeline/browser.js';
import type { Device } from '../runtime/index.js';
import { deviceOf } from './engine.js';
import { decodePicture, nameOf, type PhotoSource } from './picture.js';

/** A file by its name: a `File`, or what stands for one. */
export interface NamedBlob {
  readonly name: string;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** Whether a file is one of the detector's weights, by its name. */
export function isDetectorFile(name: string): boolean {
  return weightFormats.some(({ files }) => Object.values(files).includes(name));
}

/**
 * MTCNN's published weights from the three files that hold them; other files are passed over.
 * @throws SphereFaceError when one is missing, and for weights that are not the published ones.
 */
export async function readDetector(files: Iterable<NamedBlob>): Promise<MtcnnWeights> {
  const bytes = new Map<string, Uint8Array>();
  for (const file of files) {
    if (isDetectorFile(file.name)) bytes.set(file.name, new Uint8Array(await file.arrayBuffer()));
  }
  return readMtcnnFiles(bytes);
}

/**
 * MTCNN's weights from files that are served in a folder, in whichever format is there.
 * @param folder its address, absolute or relative to the page
 * @throws SphereFaceError when they are not there.
 */
export async function fetchDetector(folder: string | URL): Promise<MtcnnWeights> {
  const base = String(folder).replace(/\/?$/, '/');
  for (const format of weightFormats) {
    const bytes = await Promise.all(
      Object.values(format.files).map(async (name) => {
        const response = await fetch(base + name);
        return response.ok ? ([name, new Uint8Array(await response.arrayBuffer())] as const) : undefined;
      }),
    );
    const there = bytes.filter((file) => file !== undefined);
    if (there.length === bytes.length) return readMtcnnFiles(new Map(there));
  }
  throw new SphereFaceError('The detector is not where it was looked for.', {
    got: base,
    expected: weightFormats.map(({ files }) => Object.values(files).join(', ')).join('; or '),
    next: 'put the files there, or have the three files chosen: readDetector',
  });
}

/** How faces are found. */
export interface FaceFinderOptions {
  /** What the crops are for; the published system's input by default. */
  readonly input?: InputSpec;
  /** Default: that of the engine that was started. */
  readonly device?: Device;
  /** The detector's settings that differ from the published ones. */
  readonly detector?: Partial<DetectorSettings>;
  /** Which face stands for a photo with several; `nearest-center` (published) by default. */
  readonly choose?: FaceChoice;
  /** `auto` (default): photos in which no upright face is sure are turned; `none`: all are taken as they are. */
  readonly rotations?: RotationMode;
  readonly maxPixels?: number;
}

/** Finds faces and aligns them for a network, with the code that Node runs. `dispose` waits for what is under way. */
export class FaceFinder implements AsyncDisposable {
  private readonly life = new Lifetime('face finder');

  private constructor(
    private readonly detector: Mtcnn,
    private readonly crops: ModelCrops,
    private readonly options: FaceFinderOptions,
  ) {}

  /** @throws SphereFaceError for an input whose crops cannot be made here. */
  static async open(weights: MtcnnWeights, options: FaceFinderOptions = {}): Promise<FaceFinder> {
    const { detector: changes } = options;
    const crops = cropsOf(options.input ?? publishedInput);
    const settings = { ...defaultPhotoSettings.detector, ...changes };
    const detector = await Mtcnn.create(weights, { settings, ...(await deviceOf(options.device)) });
    return new FaceFinder(detector, crops, options);
  }

  /**
   * All faces of a photo, best first; `crop()` of each gives its aligned crop.
   * @throws ImageDecodeError for what the browser cannot decode.
   */
  find(photo: PhotoSource): Promise<DetectedFace[]> {
    return this.life.use(async () => {
      const { choose, rotations, maxPixels } = this.options;
      const picture = await decodePicture(photo, maxPixels === undefined ? {} : { maxPixels });
      const { choice, rotations: mode } = defaultPhotoSettings;
      const settings = { choice: choose ?? choice, rotations: rotations ?? mode };
      const { faces, chosen, rotation } = await findFaces(this.detector, picture, settings);
      const turn = rotation === 0 ? undefined : rotation;
      return faces.map((face, i) => new DetectedFace(nameOf(photo), picture, face, i === chosen, this.crops, turn));
    });
  }

  /** The aligned crop of the face that stands for a photo; `undefined` where there is none. */
  async align(photo: PhotoSource): Promise<Picture | undefined> {
    return (await this.find(photo)).find(({ chosen }) => chosen)?.crop();
  }

  /** Releases the detector, when what is under way has ended. Safe to call twice. */
  dispose(): Promise<void> {
    return this.life.end(() => this.detector.dispose());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}
