// Training in a browser: people as pictures in; the trainer of Node, on WebGPU or WebAssembly; a model file and a report out.
import { Random, SphereFaceError, UsageError } from '../common/browser.js';
import {
  bestThreshold,
  calibrate,
  cosineScores,
  drawPairs,
  filesByIdentity,
  rocCurve,
  type RocCurve,
  supportsFar,
} from '../evaluation/index.js';
import type { ImageSource, Picture } from '../images/browser.js';
import {
  type Calibration,
  encodeWeights,
  type OpenBytesOptions,
  openModelBytes,
  withMetadata,
} from '../models/browser.js';
import { demoRecipes, renderRun } from '../pipeline/browser.js';
import type { Device } from '../runtime/index.js';
import {
  classifierName,
  labelledImages,
  type LogLine,
  modelOf,
  parseRecipe,
  type Recipe,
  type RecipeInput,
  Trainer,
} from '../training/browser.js';
import { deviceOf } from './engine.js';
import { type SphereView, viewOfSphere } from './sphere.js';

/** A person to train on. */
export interface Person {
  readonly name: string;
  /** Aligned crops of the recipe's size, 112 high and 96 wide unless it says otherwise: `FaceFinder` makes them of photos. */
  readonly crops: readonly Picture[];
}

/** What is known after some steps. */
export interface TrainingProgress {
  readonly iteration: number;
  readonly iterations: number;
  /** Loss and its terms, λ, energy, angles, speed: as a line of a run's log.jsonl. */
  readonly line: LogLine;
  /** The classifier's rows on their sphere, one for each of `identities`. */
  readonly sphere: SphereView;
  readonly identities: readonly string[];
}

export interface BrowserTrainingOptions {
  /** Default {@link pageRecipe}. */
  readonly recipe?: RecipeInput | Recipe;
  /** Share of each person's pictures that is kept out of training, to measure on: 0 to 0.5. Default 0.2. */
  readonly heldOut?: number;
  /** Default: that of the engine that was started. */
  readonly device?: Device;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** When aborted, the step in progress is finished, and the model is what was learnt so far. */
  readonly signal?: AbortSignal;
}

/** How well pictures that were not trained on are told apart. */
export interface HeldOutResult {
  /** Share of the pairs that the best threshold decides rightly. */
  readonly accuracy: number;
  readonly threshold: number;
  readonly matched: number;
  readonly mismatched: number;
}

/** What training gives. */
export interface TrainedModel {
  /** `finished`, or `stopped` by the signal. */
  readonly status: 'finished' | 'stopped';
  /** The bytes of `model.onnx`, which every command and library of this package reads. */
  readonly model: Uint8Array;
  /** The bytes of `model.classifier.safetensors`: with it beside the model, a fine-tune knows the people again. */
  readonly classifier: Uint8Array;
  /** A page about the training, in one file. */
  readonly report: string;
  readonly recipe: Recipe;
  readonly lines: readonly LogLine[];
  /** The people's names, in the order of the classifier's rows. */
  readonly identities: readonly string[];
  /** `undefined` where nothing was held out, or too little for a pair. */
  readonly heldOut: HeldOutResult | undefined;
}

/** Pairs of each kind that are drawn of the pictures held out, at most. */
const mostPairs = 3000;
/** False-accept rates that a model is calibrated for, where the pairs are enough to tell them. */
const rates = [0.1, 0.01, 0.001];

/**
 * The recipe for some dozens of people and minutes on one core: a very small network, A-Softmax m = 4, and the hyperspherical energy of
 * SphereFace+. Change fields of it as of any recipe.
 */
export function pageRecipe(iterations = 600): Recipe {
  const { base } = demoRecipes(1);
  return parseRecipe({
    ...base,
    name: 'page',
    description:
      'a very small network from scratch, A-Softmax m = 4 and the hyperspherical energy, trained in a browser',
    network: { ...base.network, inputPooling: 2, batchNorm: true },
    loss: {
      ...base.loss,
      energy: { form: 'riesz', s: 2, on: 'distance', pairs: 'batch-all', weight: { type: 'auto', share: 0.2 } },
    },
    solver: { ...base.solver, iterations },
    // Few pictures of each person: more of each is made of them.
    data: { ...base.data, shift: 4, light: 0.3 },
    log: { ...base.log, display: 5 },
  });
}

/**
 * Trains a model on people. Start the engine first, and call it in a worker where the page shall stay alive: on WebAssembly a step keeps its
 * thread busy.
 * @throws UsageError for a recipe that is not valid or wants a model to start from, SphereFaceError for fewer than two people,
 *   TrainingAnomaly when the guard stops it.
 */
export async function trainModel(
  people: readonly Person[],
  options: BrowserTrainingOptions = {},
): Promise<TrainedModel> {
  const { heldOut = 0.2, onProgress, signal } = options;
  const place = await deviceOf(options.device);
  const recipe = options.recipe === undefined ? pageRecipe() : parseRecipe(options.recipe);
  if (recipe.start === 'model') {
    throw new UsageError('A fine-tune cannot be trained in a browser.', {
      got: `the recipe ${recipe.name}, which starts from a model`,
      next: 'train from scratch, or fine-tune with the command: sphereface train DATA --recipe NAME --init MODEL',
    });
  }
  if (!(heldOut >= 0 && heldOut <= 0.5)) {
    throw new UsageError('The share of pictures that is held out is out of range.', {
      got: String(heldOut),
      expected: '0 to 0.5',
    });
  }
  const { used, kept } = divided(people, heldOut, recipe.seed);
  const dataset = labelledImages(pictureSource(used), asItIs, recipe.data);
  await using trainer = await Trainer.create(recipe, dataset, place);
  const { embeddingSize } = recipe.network;
  const lines: LogLine[] = [];
  let axes: readonly Float64Array[] | undefined;
  const aborted = (): boolean => signal?.aborted === true;
  while (trainer.done < recipe.solver.iterations && !aborted()) {
    await trainer.step();
    const last = trainer.done === recipe.solver.iterations;
    // Without a turn of the event loop a worker would not hear of the signal.
    await new Promise((resolve) => setTimeout(resolve));
    if (trainer.done % recipe.log.display !== 0 && !last && !aborted()) continue;
    const line = await trainer.logLine();
    lines.push(line);
    const { values } = await trainer.state();
    const view = viewOfSphere(unitRows(values.get(classifierName)!, embeddingSize), embeddingSize, axes);
    axes = view.axes;
    const { iterations } = recipe.solver;
    const { identities } = dataset;
    onProgress?.({ iteration: trainer.done, iterations, line, sphere: view.points, identities });
  }
  if (lines.length === 0) {
    throw new SphereFaceError('Training was stopped before its first step.', { next: 'start it again' });
  }
  const measured = await measure(await modelOf(trainer), kept, place);
  const weights = await trainer.weights();
  const classifier = new Map([...weights.parameters].filter(([name]) => name === classifierName));
  const record = { images: dataset.labels.length, identities: [...dataset.identities], init: null };
  return {
    status: trainer.done === recipe.solver.iterations ? 'finished' : 'stopped',
    model: measured.model,
    classifier: encodeWeights({ ...weights, parameters: classifier }),
    report: renderRun({ recipe, record, lines }),
    recipe,
    lines,
    identities: dataset.identities,
    heldOut: measured.result,
  };
}

/** A picture that is trained on or held out. */
interface Labelled {
  readonly file: string;
  readonly identity: string;
  readonly crop: Picture;
}

/** Keeps some pictures of each person back, of those who have one to spare. */
function divided(
  people: readonly Person[],
  share: number,
  seed: number,
): { readonly used: readonly Labelled[]; readonly kept: readonly Labelled[] } {
  const random = new Random(seed, heldOutStream);
  const [used, kept]: [Labelled[], Labelled[]] = [[], []];
  for (const { name, crops } of people) {
    const all = crops.map((crop, i) => ({ file: `${name}/${i}`, identity: name, crop }));
    const order = [...all];
    random.shuffle(order);
    // Rounded up: one picture makes no pair with another of the person.
    const count = share === 0 || crops.length < 4 ? 0 : Math.max(2, Math.round(share * crops.length));
    kept.push(...order.slice(0, count));
    const back = new Set(order.slice(0, count));
    used.push(...all.filter((one) => !back.has(one)));
  }
  return { used, kept };
}

/** The generator's stream for what is held out: apart from those of fillers and sampler. */
const heldOutStream = 5;

/** A source of crops that are decoded already: what it reads are their pixels. */
function pictureSource(pictures: readonly Labelled[]): ImageSource {
  const dispose = (): Promise<void> => Promise.resolve();
  return {
    entries: pictures.map(({ file, identity }) => ({ file, identity })),
    read: (index) => Promise.resolve(pictures[index].crop.data),
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** Takes pixels for what they are. */
function asItIs(
  data: Uint8Array,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<Picture> {
  if (data.length === width * height * 3) return Promise.resolve({ width, height, data });
  return Promise.reject(
    new SphereFaceError('The crop has the wrong size.', {
      got: `${data.length / 3} pixels`,
      expected: `${width} x ${height}`,
      next: "align the photos for the recipe's input: FaceFinder",
    }),
  );
}

/** Rows scaled to length 1: margins that do not keep them so have them of any length. */
function unitRows(rows: Float32Array, size: number): Float32Array {
  const unit = rows.slice();
  for (let start = 0; start < unit.length; start += size) {
    const row = unit.subarray(start, start + size);
    const length = Math.hypot(...row);
    if (length > 0) row.forEach((value, i) => (row[i] = value / length));
  }
  return unit;
}

/** The model with the thresholds that the pictures held out give it. */
async function measure(
  model: Uint8Array,
  pictures: readonly Labelled[],
  place: Pick<OpenBytesOptions, 'device'>,
): Promise<{ readonly model: Uint8Array; readonly result: HeldOutResult | undefined }> {
  const people = [...filesByIdentity(pictures).values()];
  if (people.length < 2) return { model, result: undefined };
  const draw = drawPairs(people, mostPairs, new Random(1));
  const pairs = [...draw.matched, ...draw.mismatched];
  const rowOf = new Map(pictures.map(({ file }, row) => [file, row]));
  const same = Uint8Array.from(pairs, (pair) => Number(pair.same));
  const set = {
    left: Int32Array.from(pairs, ({ a }) => rowOf.get(a)!),
    right: Int32Array.from(pairs, ({ b }) => rowOf.get(b)!),
    same,
  };
  await using network = await openModelBytes(model, 'the model', place);
  const data = await network.embed(
    pictures.map(({ crop }) => crop),
    { flip: true },
  );
  const curve = rocCurve(cosineScores({ data, count: pictures.length, size: 2 * network.embeddingSize }, set), same);
  const calibration = calibrationBy(curve, people.length);
  const { accuracy, threshold } = bestThreshold(curve);
  return {
    model: calibration === undefined ? model : withMetadata(model, { calibration }, 'the model'),
    result: { accuracy, threshold, matched: draw.matched.length, mismatched: draw.mismatched.length },
  };
}

function calibrationBy(curve: RocCurve, people: number): Calibration | undefined {
  const told = rates.filter((rate) => supportsFar(curve, rate));
  if (told.length === 0) return undefined;
  return {
    data: `pictures held out of the ${people} people it was trained on: of others it knows less`,
    genuinePairs: curve.matched,
    impostorPairs: curve.mismatched,
    flip: true,
    thresholds: calibrate(curve, told),
  };
}
