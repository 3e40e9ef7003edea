// MTCNN face detection: pyramid, P-Net, R-Net, O-Net, as the published system runs them (detect_face.m, MTCNNv1).
import { UsageError } from '../../common/errors.js';
import { Lifetime } from '../../common/lifetime.js';
import { Queue } from '../../common/queue.js';
import type { Picture } from '../../images/source.js';
import { Session, Tensor } from '../../runtime/index.js';
import type { Face, Landmarks, Point } from '../geometry.js';
import { Resizer } from '../resize.js';
import {
  type Candidate,
  cell,
  generateCandidates,
  isUsable,
  type Offsets,
  type Proposal,
  pyramidScales,
  regressBox,
  regressProposal,
  suppress,
  toSquare,
} from './boxes.js';
import { buildNetwork } from './build.js';
import { type MtcnnWeights, networkNames, networks, type NetworkName } from './networks.js';

export interface DetectorSettings {
  /** Side of the smallest face that is looked for, in pixels. */
  readonly minSize: number;
  /** Ratio of a pyramid level's size to the one before. */
  readonly factor: number;
  /** Least face probability after the P-Net, R-Net and O-Net. */
  readonly thresholds: readonly [number, number, number];
  /** Places the landmarks as the mean of the crop's and its mirror image's. */
  readonly mirroredLandmarks: boolean;
}

/** The published system's settings (face_detect_demo.m of SphereFace). */
export const publishedDetector: DetectorSettings = {
  minSize: 20,
  factor: 0.85,
  thresholds: [0.6, 0.7, 0.9],
  mirroredLandmarks: true,
};

/** Checks settings from outside. @throws UsageError naming the first that is out of range. */
export function checkDetectorSettings({ minSize, factor, thresholds }: DetectorSettings): void {
  const require = (holds: boolean, name: string, got: number, expected: string) => {
    if (!holds) throw new UsageError(`The detector's ${name} is out of range.`, { got: String(got), expected });
  };
  require(minSize >= cell && Number.isFinite(minSize), 'minimum face size', minSize, `${cell} pixels or more`);
  require(factor > 0 && factor < 1, 'pyramid factor', factor, 'between 0 and 1 (published: 0.85)');
  for (const t of thresholds) require(t > 0 && t < 1, 'threshold', t, 'between 0 and 1');
}

export interface DetectorOptions {
  readonly settings?: Partial<DetectorSettings>;
  readonly device?: 'cpu' | 'cuda' | 'webgpu' | 'wasm';
  readonly threads?: number;
  /** A bound on memory: about 200 bytes a pixel. */
  readonly stripPixels?: number;
  /** How pictures are shrunk. Default: the published way, a {@link Resizer}. */
  readonly resizer?: Pick<Resizer, 'resize'>;
}

/** Pixels of a pyramid level that go through the P-Net at once; larger levels go in strips, with equal results. */
const defaultStripPixels = 2 ** 20;
/** Crops that go through the R-Net or O-Net at once: the fastest, as their maps then fit the processor's cache. */
const cropBatch = 16;

interface NetworkOutputs {
  readonly probability: Float32Array;
  readonly offsets: Float32Array;
  readonly points: Float32Array;
}

/** A face detector. `detect` may be called side by side: pictures take their turn, as they share the networks' input buffers. */
export class Mtcnn implements AsyncDisposable {
  private readonly life = new Lifetime('face detector');
  private readonly turns = new Queue();
  private stripBuffer = new Float32Array(0);
  private readonly cropBuffer = new Float32Array(cropBatch * 3 * networks.onet.window ** 2);

  private constructor(
    private readonly sessions: Readonly<Record<NetworkName, Session>>,
    readonly settings: DetectorSettings,
    private readonly stripPixels: number,
    private readonly resizer: Pick<Resizer, 'resize'>,
  ) {}

  static async create(weights: MtcnnWeights, options: DetectorOptions = {}): Promise<Mtcnn> {
    const settings = { ...publishedDetector, ...options.settings };
    checkDetectorSettings(settings);
    const { device, threads } = options;
    const sessions: Partial<Record<NetworkName, Session>> = {};
    try {
      for (const name of networkNames) {
        sessions[name] = await Session.create(buildNetwork(name, weights), { device, threads });
      }
    } catch (error) {
      for (const session of Object.values(sessions)) await session.dispose();
      throw error;
    }
    return new Mtcnn(
      sessions as Record<NetworkName, Session>,
      settings,
      options.stripPixels ?? defaultStripPixels,
      options.resizer ?? new Resizer(),
    );
  }

  /**
   * The faces of a picture, best first; empty where there is none.
   * @throws SphereFaceError after disposal.
   */
  detect(picture: Picture): Promise<Face[]> {
    return this.life.use(() =>
      this.turns.run(async () => {
        const proposed = await this.propose(picture);
        const refined = await this.refine(picture, proposed);
        return this.decide(picture, refined);
      }),
    );
  }

  /** Releases the networks, when the pictures that were handed over are done. Safe to call twice. */
  dispose(): Promise<void> {
    return this.life.end(async () => {
      for (const session of Object.values(this.sessions)) await session.dispose();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** First stage: the P-Net over the pyramid. */
  private async propose(picture: Picture): Promise<Candidate[]> {
    const { minSize, factor } = this.settings;
    const found: Proposal[] = [];
    for (const scale of pyramidScales(picture.width, picture.height, minSize, factor)) {
      found.push(...(await this.proposeAt(picture, scale)));
    }
    const boxes = found.map((candidate) => candidate.box);
    const picked = suppress(boxes, 0.7, 'union').map((i) => toSquare(regressProposal(boxes[i], found[i].offsets)));
    return picked.filter((box) => isUsable(box, picture));
  }

  private async proposeAt(picture: Picture, scale: number): Promise<Proposal[]> {
    const width = Math.ceil(picture.width * scale);
    const height = Math.ceil(picture.height * scale);
    const all = { x: 0, y: 0, width: picture.width, height: picture.height };
    const resultRows = Math.ceil((height - 2) / 2) - 4;
    const rowsAtOnce = Math.max(1, Math.floor((this.stripPixels / width - 10) / 2));
    const found: Proposal[] = [];
    for (let row = 0; row < resultRows; row += rowsAtOnce) {
      // Result row r is about level rows 2r … 2r + 11; the last strip takes what is left.
      const last = row + rowsAtOnce >= resultRows;
      const rows = { from: 2 * row, to: last ? height : 2 * (row + rowsAtOnce) + 10 };
      const size = 3 * (rows.to - rows.from) * width;
      if (this.stripBuffer.length < size) this.stripBuffer = new Float32Array(size);
      const input = this.stripBuffer.subarray(0, size);
      this.resizer.resize(picture, all, width, height, input, 0, rows);
      const images = new Tensor('float32', input, [1, 3, rows.to - rows.from, width]);
      const { probability, offsets } = await this.sessions.pnet.run({ images });
      const columns = probability.dims[3];
      found.push(
        ...generateCandidates(floats(probability), floats(offsets), columns, row, scale, this.settings.thresholds[0]),
      );
    }
    const boxes = found.map((candidate) => candidate.box);
    return suppress(boxes, 0.5, 'union').map((i) => found[i]);
  }

  /** Second stage: the R-Net scores and corrects the proposals. */
  private async refine(picture: Picture, proposed: readonly Candidate[]): Promise<Candidate[]> {
    const { probability, offsets } = await this.score('rnet', picture, proposed);
    const passed = this.passing(proposed, probability, this.settings.thresholds[1]);
    const boxes = passed.map(({ box }) => box);
    const picked = suppress(boxes, 0.7, 'union').map((i) =>
      toSquare(regressBox(boxes[i], offsetsAt(offsets, passed[i].index))),
    );
    return picked.filter((box) => isUsable(box, picture));
  }

  /** Third stage: the O-Net decides and places the landmarks. */
  private async decide(picture: Picture, refined: readonly Candidate[]): Promise<Face[]> {
    const { probability, offsets, points } = await this.score('onet', picture, refined);
    const passed = this.passing(refined, probability, this.settings.thresholds[2]);
    const boxes = passed.map(({ box, index }) => regressBox(box, offsetsAt(offsets, index)));
    const kept = suppress(boxes, 0.7, 'smaller');
    const crops = kept.map((i) => passed[i].box);
    const mirrored = this.settings.mirroredLandmarks
      ? (await this.score('onet', picture, crops, { mirror: true })).points
      : undefined;
    return kept.map((i, k) => {
      const upright = landmarksAt(points, passed[i].index);
      const relative = mirrored === undefined ? upright : meanWithMirrored(upright, landmarksAt(mirrored, k));
      const { x1, y1, x2, y2, score } = boxes[i];
      return { box: [x1 - 1, y1 - 1, x2 - 1, y2 - 1], score, landmarks: toPicture(relative, passed[i].box) };
    });
  }

  /** The boxes whose probability exceeds the threshold, with their place in the network's outputs. */
  private passing(boxes: readonly Candidate[], probability: Float32Array, threshold: number) {
    return boxes.flatMap((box, index) => {
      const score = probability[index];
      return score > threshold ? [{ box: { ...box, score }, index }] : [];
    });
  }

  /** Runs the R-Net or O-Net over the boxes' crops. */
  private async score(
    name: 'rnet' | 'onet',
    picture: Picture,
    boxes: readonly Candidate[],
    { mirror = false } = {},
  ): Promise<NetworkOutputs> {
    const side = networks[name].window;
    const outputs = {
      probability: new Float32Array(boxes.length),
      offsets: new Float32Array(4 * boxes.length),
      points: new Float32Array(name === 'onet' ? 10 * boxes.length : 0),
    };
    const size = 3 * side * side;
    for (let first = 0; first < boxes.length; first += cropBatch) {
      const batch = boxes.slice(first, first + cropBatch);
      const input = this.cropBuffer.subarray(0, batch.length * size);
      batch.forEach(({ x1, y1, x2, y2 }, i) => {
        const region = { x: x1 - 1, y: y1 - 1, width: x2 - x1 + 1, height: y2 - y1 + 1 };
        this.resizer.resize(picture, region, side, side, input, i * size);
      });
      if (mirror) mirrorRows(input, side);
      const images = new Tensor('float32', input, [batch.length, 3, side, side]);
      const result = await this.sessions[name].run({ images });
      outputs.probability.set(floats(result.probability), first);
      outputs.offsets.set(floats(result.offsets), 4 * first);
      if (name === 'onet') outputs.points.set(floats(result.points), 10 * first);
    }
    return outputs;
  }
}

function floats(tensor: Tensor): Float32Array {
  return tensor.data as Float32Array;
}

function offsetsAt(offsets: Float32Array, index: number): Offsets {
  return [offsets[4 * index], offsets[4 * index + 1], offsets[4 * index + 2], offsets[4 * index + 3]];
}

/** The O-Net's points of a crop, in units of its size. */
function landmarksAt(points: Float32Array, index: number): Landmarks {
  const at = 10 * index;
  return [0, 1, 2, 3, 4].map((k): Point => [points[at + k], points[at + 5 + k]]) as unknown as Landmarks;
}

/** The mirror image's points, mirrored back (left and right exchanged), averaged with the upright ones. */
function meanWithMirrored(upright: Landmarks, mirrored: Landmarks): Landmarks {
  const partner = [1, 0, 2, 4, 3];
  return upright.map(([x, y], k): Point => [
    (x + 1 - mirrored[partner[k]][0]) / 2,
    (y + mirrored[partner[k]][1]) / 2,
  ]) as unknown as Landmarks;
}

/** From units of the crop to the picture's 0-based pixels (1-based in the published code: x1 + p · width − 1). */
function toPicture(relative: Landmarks, { x1, y1, x2, y2 }: Candidate): Landmarks {
  return relative.map(([x, y]): Point => [
    x * (x2 - x1 + 1) + x1 - 2,
    y * (y2 - y1 + 1) + y1 - 2,
  ]) as unknown as Landmarks;
}

function mirrorRows(planes: Float32Array, width: number): void {
  for (let row = 0; row < planes.length; row += width) planes.subarray(row, row + width).reverse();
}
