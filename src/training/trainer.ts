// The training loop: step, accumulate, guard, clip, update, renormalise; a log line and a checkpoint every so often.
import type { Target } from '../graph/index.js';
import type { MarginDescriptor } from '../losses/index.js';
import type { Weights } from '../models/index.js';
import { dataOf } from '../models/safetensors.js';
import { type ParameterValues, sgdUpdate, withPresentNames } from '../nn/index.js';
import type { Device } from '../runtime/index.js';
import type { Checkpoint } from './checkpoint.js';
import type { Dataset } from './dataset.js';
import { type Components, componentsOf, type Extensions, registriesOf } from './extensions.js';
import { ClassifierGeometry } from './geometry.js';
import { Guard, type Learnable } from './guard.js';
import { Loader, type Unreadable } from './loader.js';
import type { LogLine, MarginColumns } from './log.js';
import { classifierName, normaliseRows, startingValues } from './network.js';
import { ParameterStore } from './parameter-store.js';
import type { Recipe } from './recipe.js';
import { Sampler } from './sampler.js';
import { backboneShare, learningRate } from './schedule.js';
import { buildStep, type StepModel } from './step-graph.js';
import { StepRunner } from './step-runner.js';
import { Tally } from './tally.js';
import type { Measurement } from './validation-state.js';

/** Where a trainer computes, and what its recipe may name. */
export interface TrainerOptions {
  readonly device?: Device;
  readonly threads?: number;
  /** Writes a profile of the step session with this file prefix. */
  readonly profilePrefix?: string;
  /** Values of frozen parameters that do not start at their fillers: those of the model or checkpoint that will be loaded. */
  readonly frozen?: ParameterValues;
  /** Margins, energies and backbones of your own, which the recipe may name besides those of this package. */
  readonly extensions?: Extensions;
}

/** What a trainer is made of. */
interface Parts {
  readonly step: StepModel;
  readonly store: ParameterStore;
  readonly runner: StepRunner;
  readonly geometry: ClassifierGeometry;
  readonly components: Components;
  readonly extensions: Extensions;
}

/** One run's state in memory. Create it, restore a checkpoint or initial values if there are any, then take steps. */
export class Trainer implements AsyncDisposable {
  readonly store: ParameterStore;
  readonly extensions: Extensions;
  private iteration = 0;
  private guard: Guard;
  private readonly sampler: Sampler;
  private readonly learnable: Learnable;
  private loader: Loader;
  private samplerState;
  private tally: Tally;

  private constructor(
    readonly recipe: Recipe,
    readonly dataset: Dataset,
    private readonly parts: Parts,
  ) {
    const { store, extensions, components } = parts;
    const { margin, backbone } = components;
    this.store = store;
    this.extensions = extensions;
    this.learnable = {
      chance: margin.uninformedLoss(recipe.loss.margin, dataset.identities.length),
      easing: [margin.easing, backbone.easing].filter((advice) => advice !== undefined),
    };
    this.guard = new Guard(recipe.guard, this.learnable);
    this.sampler = new Sampler(recipe.data.sampler, dataset.labels, recipe.seed);
    this.samplerState = this.sampler.state;
    this.loader = this.newLoader();
    this.tally = new Tally(this.loader.waited);
  }

  static async create(recipe: Recipe, dataset: Dataset, options: TrainerOptions = {}): Promise<Trainer> {
    const { device, threads, profilePrefix, frozen, extensions = {} } = options;
    const identities = dataset.identities.length;
    const components = componentsOf(recipe, extensions);
    const target: Target = { device: device ?? 'cpu' };
    const step = buildStep(recipe, identities, { target, frozen, extensions });
    const store = new ParameterStore(step.specs, step.layouts);
    store.setValues(startingValues(step.specs, recipe, components.margin));
    const runner = await StepRunner.create(step, store, recipe, { device, threads, profilePrefix });
    const shape = [identities, recipe.network.embeddingSize] as const;
    const geometry = await ClassifierGeometry.create(shape, { device, threads }, target);
    return new Trainer(recipe, dataset, { step, store, runner, geometry, components, extensions });
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
    return this.parts.runner.device;
  }

  /** Continues from a checkpoint, bit for bit. */
  async restore({ state, parameters, momentum }: Checkpoint): Promise<void> {
    const { backbone } = this.parts.components;
    this.store.setValues(withPresentNames(dataOf(parameters), backbone));
    this.store.setMomentum(withPresentNames(dataOf(momentum), backbone));
    this.iteration = state.iteration;
    this.guard = new Guard(this.recipe.guard, this.learnable, state.guard);
    await this.loader.dispose();
    this.sampler.restore(state.sampler);
    this.samplerState = state.sampler;
    this.loader = this.newLoader();
    this.tally = new Tally(this.loader.waited);
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
      ...this.weights(),
      momentum: this.store.momentumTensors(),
    };
  }

  /** What was learnt so far. Tensors may be the live buffers: write them before the next step. */
  weights(): Weights {
    return {
      parameters: this.store.valueTensors(),
      identities: this.dataset.identities,
      input: this.recipe.input,
    };
  }

  /** Puts the classifier's rows on the unit sphere, where the margin wants them. Done by every step; call it after changing values. */
  renormalise(): void {
    if (!this.parts.components.margin.unitClassifier) return;
    normaliseRows(this.store.values.get(classifierName)!, this.recipe.network.embeddingSize);
  }

  /**
   * One optimizer step. Returns the loss.
   * @throws TrainingAnomaly before the step's gradient is applied, so that parameters and statistics stay as they were.
   */
  async step(): Promise<number> {
    const { solver } = this.recipe;
    const step = this.iteration + 1;
    const rate = learningRate(solver, step);
    const scalars = this.parts.step.scalars.map((scalar) => ({ ...scalar, value: scalar.at(step) }));
    const { measures, norms, statistics } = await this.parts.runner.run(
      step,
      new Map(scalars.map(({ name, value }) => [name, value])),
      async () => {
        const batch = await this.loader.next();
        this.samplerState = batch.state;
        return batch;
      },
    );
    const norm = Math.hypot(...norms.values());
    this.guard.check({
      iteration: step,
      loss: measures.get('loss')!,
      classificationLoss: measures.get('classification')!,
      scalars: new Map(scalars.map(({ symbol, value }) => [symbol, value])),
      featureNorm: measures.get('featureNorm')!,
      learningRate: rate,
      gradientNorms: norms,
    });
    this.update(rate, solver.clipNorm !== null && norm > solver.clipNorm ? solver.clipNorm / norm : 1);
    for (const [name, data] of statistics) this.store.values.get(name)!.set(data);
    this.renormalise();
    this.iteration = step;
    this.tally.add(measures, norm);
    return measures.get('loss')!;
  }

  /**
   * The log line of the steps since the last one, and a fresh start of its means.
   * @param measurement on people held out, if there was one after the last step
   */
  async logLine(measurement?: Measurement): Promise<LogLine> {
    const { solver } = this.recipe;
    const { tally, samplerState, iteration } = this;
    const line = tally.line({
      iteration,
      learningRate: learningRate(solver, iteration),
      epoch: samplerState.epoch + samplerState.position / this.dataset.labels.length,
      angles: await this.parts.geometry.measure(this.store.values.get(classifierName)!),
      columns: this.marginColumns(),
      measurement,
      imagesPerStep: solver.batchSize * solver.iterSize,
      waited: this.loader.waited,
    });
    this.tally = new Tally(this.loader.waited);
    return line;
  }

  async dispose(): Promise<void> {
    await this.loader.dispose();
    await this.parts.geometry.dispose();
    await this.parts.runner.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** The columns of all margins; those that do not apply are null. */
  private marginColumns(): MarginColumns {
    const { margin } = this.parts.components;
    const { descriptors } = registriesOf(this.extensions).margins;
    const names = descriptors.flatMap(({ columns = {} }: MarginDescriptor) => Object.keys(columns));
    const none = Object.fromEntries(names.map((name) => [name, null])) as MarginColumns;
    return { ...none, ...margin.log?.(this.recipe.loss.margin, this.iteration) };
  }

  private update(rate: number, gradientScale: number): void {
    const { solver } = this.recipe;
    const { momentum, weightDecay } = solver;
    const shares = { backbone: backboneShare(solver, this.iteration + 1), classifier: 1 };
    for (const group of this.store.groups) {
      const { part, values, momentum: buffer, gradients, learningRateMultiplier, decayMultiplier } = group;
      const learningRate = rate * shares[part] * learningRateMultiplier;
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
      fit: data.fit,
      augmentation: data,
      batchSize: solver.batchSize,
      prefetch: data.prefetch,
      cacheBytes: data.cacheMegabytes * 2 ** 20,
    });
  }
}
