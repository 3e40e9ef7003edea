// The training loop: step, accumulate, guard, clip, update, renormalise; a log line and a checkpoint every so often.
import type { Target } from '../graph/index.js';
import { hasUnitClassifier, uninformedLoss } from '../losses/index.js';
import { Sampler } from './sampler.js';
import { Loader, type Unreadable } from './loader.js';
import { isTrained, type ParameterValues, sgdUpdate } from '../nn/index.js';
import { type Device, float32, float32Data, float32Scalar, int64, Session, type Tensor } from '../runtime/index.js';
import type { Checkpoint } from './checkpoint.js';
import type { Dataset } from './dataset.js';
import { ClassifierGeometry } from './geometry.js';
import { Guard } from './guard.js';
import type { LogLine } from './log.js';
import { classifierName, normaliseRows, startingValues } from './network.js';
import { ParameterStore } from './parameter-store.js';
import type { Recipe } from './recipe.js';
import { dataOf } from '../models/safetensors.js';
import { annealedLambda, effectiveMargin, learningRate } from './schedule.js';
import {
  buildStep,
  earlierGradientName,
  gradientName,
  gradientNormName,
  type MeasureName,
  type StepModel,
} from './step-graph.js';

/** Where a trainer computes. */
export interface TrainerOptions {
  readonly device?: Device;
  readonly threads?: number;
  /** Writes a profile of the step session with this file prefix. */
  readonly profilePrefix?: string;
  /** Values of frozen parameters that do not start at their fillers: those of the model or checkpoint that will be loaded. */
  readonly frozen?: ParameterValues;
}

/** Sums since the last log line. */
interface Tally {
  readonly started: number;
  readonly waited: number;
  steps: number;
  readonly measures: Map<MeasureName, number>;
  gradientNorm: number;
}

/** One run's state in memory. Create it, restore a checkpoint or initial values if there are any, then take steps. */
export class Trainer implements AsyncDisposable {
  readonly store: ParameterStore;
  private iteration = 0;
  private guard: Guard;
  private readonly sampler: Sampler;
  private readonly chance: number;
  private loader: Loader;
  private samplerState;
  private tally: Tally;
  private readonly parameterTensors: Record<string, Tensor>;
  private readonly gradientTensors: Record<string, Tensor>;
  /** The same buffers as inputs, where a step takes several passes: each adds to what the earlier ones have left there. */
  private readonly earlierTensors: Record<string, Tensor>;

  private constructor(
    readonly recipe: Recipe,
    readonly dataset: Dataset,
    private readonly stepModel: StepModel,
    private readonly stepSession: Session,
    private readonly geometry: ClassifierGeometry,
  ) {
    const { specs, layouts } = stepModel;
    this.store = new ParameterStore(specs, layouts);
    this.store.setValues(startingValues(specs, recipe));
    const trained = specs.filter(isTrained);
    const tensorsOf = (data: ReadonlyMap<string, Float32Array>, nameOf: (parameter: string) => string) =>
      Object.fromEntries(
        trained.map((spec) => [nameOf(spec.name), float32(data.get(spec.name)!, this.store.shapeOf(spec))]),
      );
    this.parameterTensors = tensorsOf(this.store.values, (name) => name);
    this.gradientTensors = tensorsOf(this.store.gradients, gradientName);
    this.earlierTensors = recipe.solver.iterSize === 1 ? {} : tensorsOf(this.store.gradients, earlierGradientName);
    this.chance = uninformedLoss(recipe.loss.margin, dataset.identities.length);
    this.guard = new Guard(recipe.guard, this.chance);
    this.sampler = new Sampler(recipe.data.sampler, dataset.labels, recipe.seed);
    this.samplerState = this.sampler.state;
    this.loader = this.newLoader();
    this.tally = this.newTally();
  }

  static async create(recipe: Recipe, dataset: Dataset, options: TrainerOptions = {}): Promise<Trainer> {
    const identities = dataset.identities.length;
    const target: Target = { device: options.device ?? 'cpu' };
    const step = buildStep(recipe, identities, target, options.frozen);
    const { device, threads, profilePrefix } = options;
    const stepSession = await Session.create(step.model, { device, threads, profilePrefix });
    const shape = [identities, recipe.network.embeddingSize] as const;
    const geometry = await ClassifierGeometry.create(shape, { device, threads }, target);
    return new Trainer(recipe, dataset, step, stepSession, geometry);
  }

  /** Optimizer steps done. */
  get done(): number {
    return this.iteration;
  }

  /** Images that could not be read so far. */
  get unreadable(): readonly Unreadable[] {
    return this.loader.unreadable;
  }

  /** Which device computes, in words. */
  get device(): string {
    return this.stepSession.description;
  }

  /** Continues from a checkpoint, bit for bit. */
  async restore({ state, parameters, momentum }: Checkpoint): Promise<void> {
    this.store.setValues(dataOf(parameters));
    this.store.setMomentum(dataOf(momentum));
    this.iteration = state.iteration;
    this.guard = new Guard(this.recipe.guard, this.chance, state.guard);
    await this.loader[Symbol.asyncDispose]();
    this.sampler.restore(state.sampler);
    this.samplerState = state.sampler;
    this.loader = this.newLoader();
    this.tally = this.newTally();
  }

  /** All that a later process needs to go on from here. Tensors may be the live buffers: write them before the next step. */
  checkpoint(): Checkpoint {
    return {
      state: {
        format: 1,
        iteration: this.iteration,
        sampler: this.samplerState,
        guard: this.guard.state,
      },
      parameters: this.store.valueTensors(),
      identities: this.dataset.identities,
      input: this.recipe.input,
      momentum: this.store.momentumTensors(),
    };
  }

  /** Puts the classifier's rows on the unit sphere, where the margin wants them. Done by every step; call it after changing values. */
  renormalise(): void {
    if (!hasUnitClassifier(this.recipe.loss.margin.type)) return;
    normaliseRows(this.store.values.get(classifierName)!, this.recipe.network.embeddingSize);
  }

  /**
   * One optimizer step. Returns the loss.
   * @throws TrainingAnomaly before the step's gradient is applied, so that the parameters stay as they were.
   */
  async step(): Promise<number> {
    const { solver } = this.recipe;
    const step = this.iteration + 1;
    const rate = learningRate(solver, step);
    const lambda = this.lambda(step);
    const { measures, norms } = await this.accumulate(lambda);
    const norm = Math.hypot(...norms.values());
    this.guard.check({
      iteration: step,
      loss: measures.get('loss')!,
      classificationLoss: measures.get('classification')!,
      lambda,
      featureNorm: measures.get('featureNorm')!,
      learningRate: rate,
      gradientNorms: norms,
    });
    this.update(rate, solver.clipNorm !== null && norm > solver.clipNorm ? solver.clipNorm / norm : 1);
    this.renormalise();

    this.iteration = step;
    this.tally.steps++;
    this.tally.gradientNorm += norm;
    for (const [name, value] of measures) this.tally.measures.set(name, (this.tally.measures.get(name) ?? 0) + value);
    return measures.get('loss')!;
  }

  /** The log line of the steps since the last one, and a fresh start of its means. */
  async logLine(): Promise<LogLine> {
    const { solver, loss } = this.recipe;
    const { steps, measures, started, waited, gradientNorm } = this.tally;
    const mean = (name: MeasureName) => {
      const total = measures.get(name);
      return total === undefined ? undefined : total / steps;
    };
    const present = (record: Record<string, number | undefined>) =>
      Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as Record<string, number>;
    const angles = await this.geometry.measure(this.store.values.get(classifierName)!);
    const lambda = this.lambda(this.iteration);
    const seconds = (performance.now() - started) / 1000;
    const line: LogLine = {
      iteration: this.iteration,
      loss: mean('loss')!,
      terms: present({
        classification: mean('classification'),
        energy: mean('energyTerm'),
        hiddenEnergy: mean('hiddenEnergyTerm'),
      }),
      lambda: lambda ?? null,
      effectiveMargin:
        lambda === undefined || loss.margin.type !== 'a-softmax' ? null : effectiveMargin(loss.margin.m, lambda),
      accuracy: mean('accuracy')!,
      featureNorm: mean('featureNorm')!,
      minimumAngle: angles.minimum,
      meanAngle: angles.mean,
      energy: mean('energy') ?? null,
      energyWeight: mean('energyWeight') ?? null,
      gradientNorms: present({
        total: gradientNorm / steps,
        classification: mean('classificationGradient'),
        energy: mean('energyGradient'),
      }),
      learningRate: learningRate(solver, this.iteration),
      epoch: this.samplerState.epoch + this.samplerState.position / this.dataset.labels.length,
      imagesPerSecond: (steps * solver.batchSize * solver.iterSize) / seconds,
      waiting: (this.loader.waited - waited) / seconds,
    };
    this.tally = this.newTally();
    return line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.loader[Symbol.asyncDispose]();
    await this.geometry[Symbol.asyncDispose]();
    await this.stepSession.dispose();
  }

  private lambda(step: number): number | undefined {
    const { margin } = this.recipe.loss;
    return this.stepModel.takesLambda && margin.type === 'a-softmax' ? annealedLambda(margin.lambda, step) : undefined;
  }

  /** Runs the passes of a step. Leaves their mean gradient in the store; returns its norms, and the means of the measures. */
  private async accumulate(lambda: number | undefined): Promise<{
    readonly measures: ReadonlyMap<MeasureName, number>;
    readonly norms: ReadonlyMap<string, number>;
  }> {
    const { batchSize, iterSize } = this.recipe.solver;
    const { width, height } = this.recipe.input;
    const measures = new Map<MeasureName, number>();
    let outputs: Record<string, Tensor> = {};
    if (iterSize > 1) for (const { gradients } of this.store.groups) gradients.fill(0);
    for (let i = 0; i < iterSize; i++) {
      const batch = await this.loader.next();
      const feeds: Record<string, Tensor> = {
        ...this.parameterTensors,
        ...this.earlierTensors,
        images: float32(batch.images, [batchSize, 3, height, width]),
        labels: int64(batch.labels),
      };
      if (lambda !== undefined) feeds.lambda = float32Scalar(lambda);
      outputs = await this.stepSession.run(feeds, this.gradientTensors);
      for (const name of this.stepModel.measures) {
        measures.set(name, (measures.get(name) ?? 0) + float32Data(outputs[name])[0] / iterSize);
      }
      this.samplerState = batch.state;
    }
    // The last pass gives the norms of the whole.
    const normOf = (name: string): number => float32Data(outputs[gradientNormName(name)])[0];
    const norms = new Map([...this.store.gradients.keys()].map((name) => [name, normOf(name)]));
    return { measures, norms };
  }

  private update(rate: number, gradientScale: number): void {
    const { momentum, weightDecay } = this.recipe.solver;
    for (const { values, momentum: buffer, gradients, learningRateMultiplier, decayMultiplier } of this.store.groups) {
      const learningRate = rate * learningRateMultiplier;
      const decay = weightDecay * decayMultiplier;
      sgdUpdate(values, buffer, gradients, { learningRate, momentum, decay, gradientScale });
    }
  }

  private newLoader(): Loader {
    const { data, input, solver } = this.recipe;
    return new Loader({
      source: this.dataset.source,
      labels: this.dataset.labels,
      sampler: this.sampler,
      input,
      augmentation: data,
      batchSize: solver.batchSize,
      prefetch: data.prefetch,
      cacheBytes: data.cacheMegabytes * 2 ** 20,
    });
  }

  private newTally(): Tally {
    const waited = this.loader.waited;
    return { started: performance.now(), waited, steps: 0, measures: new Map(), gradientNorm: 0 };
  }
}
