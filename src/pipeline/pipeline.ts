// From a folder of photos to a report: align, divide, train SphereFace and fine-tune it to SphereFace+, or fine-tune a model from elsewhere,
// and evaluate on people not trained on.
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { SphereFaceError, UsageError } from '../common/errors.js';
import { exists } from '../common/exists.js';
import { requireWritableFolder } from '../common/writable.js';
import { writeModel } from '../models/index.js';
import { defaultHoldOut, type EvaluationNumbers } from '../evaluation/index.js';
import { type AlignedManifest, type CropSettings, defaultCrop, prepare, type StrayPolicy } from '../faces/index.js';
import { packageVersion } from '../common/version.js';
import {
  CheckpointStore,
  classifierName,
  type FileNetwork,
  type LogLine,
  type Recipe,
  resumeRun,
  startRun,
  type StartOptions,
  untrainedModel,
} from '../training/index.js';
import { compare } from './before-and-after.js';
import { divide, type Division } from './division.js';
import { evaluateModel } from './evaluate-model.js';
import { givenPairs } from './given-pairs.js';
import { Ledger } from './ledger.js';
import { openPhotos } from './photos.js';
import { requireSamePairs } from './same-pairs.js';
import { type ClassifierSpread, classifierSpread } from './spread.js';
import { openStart } from './start.js';
import type {
  FineTuneRecipes,
  ModelName,
  ModelSummary,
  PipelineEvents,
  PipelineOptions,
  PipelineSummary,
  ScratchRecipes,
} from './types.js';

/** False-accept rates whose thresholds are stored in the models, where the mismatched pairs are ten times enough. */
const calibratedRates = [1e-1, 1e-2, 1e-3];
/** Pairs of each kind from which the accuracy is counted in ten folds. */
const enoughForFolds = 50;
const divideStage = 'divide';

/**
 * Runs the whole pipeline, or what is left of it.
 *
 * The folder holds `aligned/`, `train.txt`, `pairs.txt`, a run's folder per model, `reports/<model>/`, and `pipeline.json`, the
 * record of what is finished; of a fine-tune `reports/index.html` and `result.json` besides, which compare before and after.
 * @throws UsageError if the folder holds a pipeline with other options; SphereFaceError if `signal` was aborted.
 */
export async function runPipeline(options: PipelineOptions, events: PipelineEvents = {}): Promise<PipelineSummary> {
  return new Pipeline(options, events).run();
}

class Pipeline {
  private readonly aligned: string;
  private readonly pairImages: string;
  private readonly list: string;
  private readonly pairs: string;
  private crop: CropSettings = defaultCrop;

  constructor(
    private readonly options: PipelineOptions,
    private readonly events: PipelineEvents,
  ) {
    const { folder, pairs, pairPhotos } = options;
    this.aligned = join(folder, 'aligned');
    this.pairImages = pairPhotos === undefined ? this.aligned : join(folder, 'aligned-pairs');
    this.list = join(folder, 'train.txt');
    this.pairs = pairs ?? join(folder, 'pairs.txt');
  }

  async run(): Promise<PipelineSummary> {
    const { folder, photos, pairs, pairPhotos, recipes, control = false } = this.options;
    await this.check();
    const given = 'init' in recipes ? await openStart(recipes) : undefined;
    if (given !== undefined) this.crop = given.crop;
    const ledger = await Ledger.open(folder);
    // All that decides the results, recorded first: a run with other options is refused before anything is mixed up.
    const plan = {
      photos: resolve(photos),
      pairs: pairs === undefined ? { ...defaultHoldOut, ...this.options.holdOut } : resolve(pairs),
      pairPhotos: pairPhotos === undefined ? null : resolve(pairPhotos),
      recipes:
        'init' in recipes
          ? { ...recipes, init: resolve(recipes.init), sha256: given?.network.recipe.network.sha256 }
          : recipes,
      packageVersion,
    };
    await ledger.stage('plan', plan, () => Promise.resolve(null));

    const { manifest, digest } = await this.align(photos, this.aligned, 'leave-out');
    const ofPairs = pairPhotos === undefined ? undefined : await this.align(pairPhotos, this.pairImages, 'keep');
    await this.requireSamePhotos(ledger, [digest, ofPairs?.digest ?? null]);
    await this.requireSamePairs(ledger);
    const division = await this.stage(ledger, 'divide into training and evaluation', divideStage, () => this.divide());
    this.events.onNote?.(
      `training: ${division.images} images of ${division.identities} people; ` +
        `held out: ${division.heldOut} people, ${division.matched} matched and ${division.mismatched} mismatched pairs`,
    );

    const names: readonly ModelName[] =
      'init' in recipes
        ? await this.trainFrom(ledger, recipes, given!.network, control)
        : await this.trainFromScratch(ledger, recipes, control);
    const evaluated: Evaluated[] = [];
    for (const name of names) {
      // Training may have taken days.
      await this.requireSamePairs(ledger);
      const work = () => this.evaluate(name, division);
      evaluated.push(await this.stage(ledger, `evaluate ${name}`, `evaluate ${name}`, work));
    }
    const { matched, mismatched, missing, protocol } = evaluated[0];
    return {
      photos: { total: manifest.counts.photos, aligned: manifest.counts.aligned },
      training: { identities: division.identities, images: division.images },
      heldOut: division.heldOut,
      pairs: { matched, mismatched, missing },
      protocol,
      models: evaluated.map(({ summary }) => summary),
      comparison: 'init' in recipes ? await compare(join(folder, 'reports'), recipes, evaluated) : null,
    };
  }

  /** SphereFace, and its fine-tunes. Returns what there is to evaluate. */
  private async trainFromScratch(
    ledger: Ledger,
    { base: recipe, plus }: ScratchRecipes,
    control: boolean,
  ): Promise<readonly ModelName[]> {
    const base = await this.train(ledger, 'sphereface', { recipe });
    if (control) await this.train(ledger, 'without-energy', { recipe: withoutEnergy(plus), init: base });
    await this.train(ledger, 'sphereface-plus', { recipe: plus, init: base });
    return control ? ['sphereface', 'without-energy', 'sphereface-plus'] : ['sphereface', 'sphereface-plus'];
  }

  /** A model from elsewhere as it came, and its fine-tunes. */
  private async trainFrom(
    ledger: Ledger,
    { tuned, ...start }: FineTuneRecipes,
    model: FileNetwork,
    control: boolean,
  ): Promise<readonly ModelName[]> {
    const before = join(this.options.folder, 'before');
    await mkdir(before, { recursive: true });
    await writeModel(join(before, 'model.onnx'), untrainedModel(model));
    if (control) await this.train(ledger, 'without-energy', { ...start, recipe: withoutEnergy(tuned) });
    await this.train(ledger, 'fine-tuned', { ...start, recipe: tuned });
    return control ? ['before', 'without-energy', 'fine-tuned'] : ['before', 'fine-tuned'];
  }

  /** Refuses what would only be found wrong after the long work: pairs that cannot be read, or that the photos do not have. */
  private async check(): Promise<void> {
    const { photos, pairs, pairPhotos, folder } = this.options;
    await requireWritableFolder(folder);
    if (pairs === undefined) return;
    await using source = await openPhotos(pairPhotos ?? photos, folder, { strays: 'keep' });
    await givenPairs(pairs, source);
  }

  /** A stage that the ledger remembers. */
  private async stage<T>(ledger: Ledger, title: string, name: string, work: () => Promise<T>): Promise<T> {
    const { result, found } = await ledger.stage(name, {}, () => {
      this.events.onStage?.(title, 'begun');
      return work();
    });
    if (found) this.events.onStage?.(title, 'found');
    return result;
  }

  /** Crops follow the photos; who is trained on, and what was trained, do not. */
  private async requireSamePhotos(ledger: Ledger, digests: readonly (string | null)[]): Promise<void> {
    const { result } = await ledger.stage('photos', {}, () => Promise.resolve(digests));
    if (isDeepStrictEqual(result, digests)) return;
    throw new UsageError('Photos have come, changed or gone since this pipeline divided them.', {
      got: `another set of crops in ${this.aligned}`,
      expected: 'the photos of the first run: what was trained on them would not fit',
      next: `give another folder with -o, or delete ${this.options.folder} to start afresh`,
    });
  }

  /** Pairs that were drawn are the pipeline's own. */
  private async requireSamePairs(ledger: Ledger): Promise<void> {
    const { pairs, folder } = this.options;
    if (pairs !== undefined) await requireSamePairs(ledger, { pairs, folder, divideStage });
  }

  /** Detection and alignment keep their own account of what is done. */
  private async align(photos: string, output: string, strays: StrayPolicy): Promise<Aligned> {
    const { folder, weights, threads, device, signal } = this.options;
    const finished = await exists(join(output, 'manifest.json'));
    this.events.onStage?.(`find and align faces of ${photos}`, finished ? 'found' : 'begun');
    const source = await openPhotos(photos, folder, { strays });
    try {
      for (const warning of source.warnings) this.events.onWarning?.(warning);
      const total = source.entries.length;
      const { manifest, resumed, digest } = await prepare({
        source,
        output,
        crop: this.crop,
        weights,
        threads,
        ...(device === undefined ? {} : { device }),
        packageVersion,
        progress: (done) => {
          this.events.onProgress?.(done, total, 'photos');
        },
        ...(signal === undefined ? {} : { signal }),
      });
      const { aligned, withoutFace, unreadable } = manifest.counts;
      const found = `${aligned} of ${total} photos aligned; ${withoutFace} without a face, ${unreadable} unreadable`;
      this.events.onNote?.(resumed > 0 && !finished ? `${found}; ${resumed} had been done before` : found);
      if (aligned === 0) {
        throw new SphereFaceError(`No face was found in ${photos}.`, {
          got: `${total} photos, ${unreadable} of them unreadable`,
          next: 'check that the folder holds photos of people, in a folder for each',
        });
      }
      return { manifest, digest };
    } finally {
      await source.dispose();
    }
  }

  private divide(): Promise<Division> {
    const { options, aligned, list, pairs: file, pairImages: images } = this;
    const pairs =
      options.pairs === undefined
        ? ({ file, given: false, holdOut: options.holdOut } as const)
        : ({ file, given: true, images } as const);
    return divide({ aligned, list, pairs }, this.events);
  }

  /** Trains, or goes on training, and returns the run's folder. */
  private async train(
    ledger: Ledger,
    name: ModelName,
    start: Pick<StartOptions, 'recipe' | 'init' | 'statedInput' | 'inputSpec'>,
  ): Promise<string> {
    const { recipe } = start;
    const { device, threads, signal } = this.options;
    const folder = join(this.options.folder, name);
    await this.stage(ledger, `train ${name}`, `train ${name}`, async () => {
      const run = {
        threads,
        ...(device === undefined ? {} : { device }),
        ...(signal === undefined ? {} : { signal }),
        onStep: (iteration: number) => this.events.onProgress?.(iteration, recipe.solver.iterations, 'iterations'),
        onLine: (line: LogLine) => this.events.onLogLine?.(line),
        onWarning: (text: string) => this.events.onWarning?.(text),
      };
      const started = await exists(join(folder, 'run.json'));
      const result = started
        ? await resumeRun(folder, run)
        : await startRun({ ...run, ...start, data: this.list, folder });
      if (result.status === 'stopped') {
        throw new SphereFaceError(`Training stopped at iteration ${result.iteration}.`, {
          next: 'give the same command again to go on',
        });
      }
      return { iterations: result.iteration, unreadable: result.unreadable };
    });
    return folder;
  }

  private async evaluate(name: ModelName, { matched, mismatched }: Division): Promise<Evaluated> {
    const { folder, device, threads } = this.options;
    const model = join(folder, name, 'model.onnx');
    const output = join(folder, 'reports', name);
    const protocol = Math.min(matched, mismatched) >= enoughForFolds ? '10-fold' : 'best-threshold';
    const rates = calibratedRates.filter((rate) => rate * mismatched >= 10);
    const { result, record, report } = await evaluateModel({
      model,
      pairs: this.pairs,
      images: this.pairImages,
      output,
      protocol,
      // A pair whose photo shows no face cannot be evaluated; how many there were is in every output.
      allowMissing: this.options.pairs !== undefined,
      ...(rates.length === 0 ? {} : { calibrate: rates }),
      open: { threads, ...(device === undefined ? {} : { device }) },
      onProgress: (done, total) => this.events.onProgress?.(done, total, 'images'),
      onWarning: (text) => this.events.onWarning?.(text),
    });
    const { numbers } = result.evaluation;
    return {
      matched: numbers.matched,
      mismatched: numbers.mismatched,
      missing: record.missing.length,
      protocol: numbers.description,
      summary: {
        name,
        model,
        report,
        accuracy: { mean: numbers.accuracy.mean, standardError: numbers.accuracy.standardError },
        auc: numbers.auc,
        eer: numbers.eer,
        spread: name === 'before' ? null : await this.spreadOf(join(folder, name)),
      },
      numbers,
      correct: Array.from(result.evaluation.outcome.correct),
    };
  }

  /** How the classifier of a finished run lies. */
  private async spreadOf(run: string): Promise<ClassifierSpread> {
    const store = new CheckpointStore(join(run, 'checkpoints'), 1);
    const latest = await store.latest(this.events.onWarning);
    const checkpoint = latest && (await store.best(latest));
    const rows = checkpoint?.parameters.get(classifierName);
    if (rows === undefined) {
      throw new SphereFaceError(`${run} holds no checkpoint with a classifier.`, {
        next: 'delete the folder and give the same command again',
      });
    }
    return classifierSpread(rows.data, rows.shape[1]);
  }
}

/** Crops, and what stands for them. */
interface Aligned {
  readonly manifest: AlignedManifest;
  readonly digest: string;
}

/** What the stage `evaluate` leaves. */
interface Evaluated {
  readonly matched: number;
  readonly mismatched: number;
  readonly missing: number;
  readonly protocol: string;
  readonly summary: ModelSummary;
  readonly numbers: EvaluationNumbers;
  /** Of each pair, 1 where it was decided rightly. */
  readonly correct: readonly number[];
}

function withoutEnergy(recipe: Recipe): Recipe {
  return {
    ...recipe,
    name: `${recipe.name}-without-energy`,
    loss: { ...recipe.loss, energy: null, hiddenEnergy: null },
  };
}
