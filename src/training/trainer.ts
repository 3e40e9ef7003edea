// The training loop: step, accumulate, add up over ranks, guard, clip, update, renormalise; a log line and a checkpoint every so often.
import type { Communicator } from '../distributed/communicator.js';
import { oneProcess } from '../distributed/one-process.js';
import { equalCounts } from '../distributed/transport.js';
import type { MarginDescriptor } from '../losses/index.js';
import type { Weights } from '../models/weights.js';
import { dataOf } from '../models/safetensors.js';
import { type ParameterSpec, type ParameterValues, withPresentNames } from '../nn/index.js';
import type { Device, MeasureOptions } from '../runtime/index.js';
import type { Checkpoint } from './checkpoint.js';
import type { Dataset } from './labelled-images.js';
import { type Components, componentsOf, type Extensions, registriesOf } from './extensions.js';
import { Guard, type Learnable } from './guard.js';
import { Loader, type Unreadable } from './loader.js';
import { lossScaleName, LossScaling, type LossScalingState } from './loss-scaling.js';
import type { LogLine, MarginColumns } from './log.js';
import { classifierName, normaliseRows } from './network.js';
import type { ParameterStore } from './parameter-store.js';
import { targetOf } from './precision.js';
import type { Recipe } from './recipe.js';
import type { RowRange } from './row-range.js';
import { Sampler } from './sampler.js';
import { learningRate } from './schedule.js';
import { gradientNorm, type Solver } from './solver.js';
import { solverOf, type StatePlace } from './solver-of.js';
import { Tally } from './tally.js';
import type { Measurement } from './validation-state.js';

/** Where a trainer computes, and what its recipe may name. */
export interface TrainerOptions extends Pick<MeasureOptions, 'forms' | 'onMeasuring'> {
  readonly device?: Device;
  readonly threads?: number;
  /** Writes a profile of the step session with this file prefix. */
  readonly profilePrefix?: string;
  /** Values of frozen parameters that do not start at their fillers: those of the model or checkpoint that will be loaded. */
  readonly frozen?: ParameterValues;
  /** Margins, energies and backbones of your own, which the recipe may name besides those of this package. */
  readonly extensions?: Extensions;
  /**
   * The processes that train together: each has a trainer of the same recipe and data, and makes the same calls. Default: this one alone.
   */
  readonly communicator?: Communicator;
  /** Where parameters and momentum are kept between steps. Default: on the device, where it can keep them. */
  readonly state?: StatePlace;
}

/** What a trainer is made of. */
interface Parts {
  readonly communicator: Communicator;
  readonly solver: Solver;
  readonly components: Components;
  readonly extensions: Extensions;
}

/** One run's state in memory. Create it, restore a checkpoint or initial values if there are any, then take steps. */
export class Trainer implements AsyncDisposable {
  readonly extensions: Extensions;
  readonly communicator: Communicator;
  private iteration = 0;
  private guard: Guard;
  /** Where the recipe computes in half precision. */
  private lossScaling: LossScaling | undefined;
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
    const { extensions, components, communicator } = parts;
    const { margin, backbone } = components;
    this.extensions = extensions;
    this.communicator = communicator;
    this.learnable = {
      precision: recipe.solver.precision,
      chance: margin.uninformedLoss(recipe.loss.margin, dataset.identities.length),
      easing: [margin.easing, backbone.easing].filter((advice) => advice !== undefined),
    };
    this.guard = new Guard(recipe.guard, this.learnable);
    this.lossScaling = lossScalingOf(recipe);
    this.sampler = new Sampler(recipe.data.sampler, dataset.labels, recipe.seed);
    this.samplerState = this.sampler.state;
    this.loader = this.newLoader();
    this.tally = new Tally(this.loader.waited);
  }

  static async create(recipe: Recipe, dataset: Dataset, options: TrainerOptions = {}): Promise<Trainer> {
    const { device, profilePrefix, frozen = new Map(), extensions = {}, communicator = oneProcess } = options;
    const { forms, onMeasuring } = options;
    const threads = options.threads ?? communicator.threads;
    const components = componentsOf(recipe, extensions);
    const target = await targetOf(recipe, device ?? 'cpu');
    const solver = await solverOf(
      {
        recipe,
        identities: dataset.identities.length,
        components,
        communicator,
        target,
        frozen,
        extensions,
        device,
        threads,
        profilePrefix,
        forms,
        onMeasuring,
      },
      options.state,
    );
    return new Trainer(recipe, dataset, { communicator, solver, components, extensions });
  }

  /** Optimizer steps done. */
  get done(): number {
    return this.iteration;
  }

  /** All parameters, in the order of the network. */
  get specs(): readonly ParameterSpec[] {
    return this.parts.solver.specs;
  }

  /** Which rows of the classifier this process has in its {@link state}. */
  get rows(): RowRange {
    return this.parts.solver.rows;
  }

  /** Images that could not be read so far. */
  get unreadable(): readonly Unreadable[] {
    return this.loader.unreadable;
  }

  /** Which device computes, in words. */
  get device(): string {
    return this.parts.solver.device;
  }

  /** Continues from a checkpoint, bit for bit. */
  async restore({ state, parameters, momentum }: Checkpoint): Promise<void> {
    const { backbone } = this.parts.components;
    await this.changeState((store) => {
      store.setValues(withPresentNames(dataOf(parameters), backbone));
      store.setMomentum(withPresentNames(dataOf(momentum), backbone));
    });
    this.iteration = state.iteration;
    this.guard = new Guard(this.recipe.guard, this.learnable, state.guard);
    this.lossScaling = lossScalingOf(this.recipe, state.lossScaling);
    await this.loader.dispose();
    this.sampler.restore(state.sampler);
    this.samplerState = state.sampler;
    this.loader = this.newLoader();
    this.tally = new Tally(this.loader.waited);
  }

  /** All that a later process needs to go on from here. Tensors may be the live buffers: write them before the next step. */
  async checkpoint(): Promise<Checkpoint> {
    const { rows } = this;
    const store = await this.state();
    return {
      state: {
        format: 1,
        iteration: this.iteration,
        sampler: this.samplerState,
        guard: this.guard.state,
        ...(this.lossScaling === undefined ? {} : { lossScaling: this.lossScaling.state }),
      },
      identities: this.dataset.identities,
      input: this.recipe.input,
      parameters: store.valueTensors(),
      momentum: store.momentumTensors(),
      ...(rows.divided ? { rows } : {}),
    };
  }

  /**
   * What was learnt so far, but for the rows of a divided classifier, of which each process has its own. Tensors may be the live buffers:
   * write them before the next step.
   */
  async weights(): Promise<Weights> {
    const parameters = (await this.state()).valueTensors();
    if (this.rows.divided) parameters.delete(classifierName);
    return { parameters, identities: this.dataset.identities, input: this.recipe.input };
  }

  /**
   * Parameters and momentum in this process's memory, as they are now. The next step may change them; to change them yourself, see
   * {@link changeState}.
   */
  state(): Promise<ParameterStore> {
    return this.parts.solver.state();
  }

  /** Changes parameters or momentum, wherever they are kept. */
  changeState(change: (store: ParameterStore) => void): Promise<void> {
    return this.parts.solver.changeState(change);
  }

  /** Puts the classifier's rows on the unit sphere, where the margin wants them. Done by every step; call it after changing values. */
  async renormalise(): Promise<void> {
    if (!this.parts.components.margin.unitClassifier) return;
    await this.changeState(({ values }) =>
      normaliseRows(values.get(classifierName)!, this.recipe.network.embeddingSize),
    );
  }

  /**
   * One optimizer step. Returns the loss. In half precision a step whose gradients overflow is left out: it counts, its images are passed,
   * and those that follow have a smaller loss scale.
   * @throws TrainingAnomaly before the step's gradient is applied, so that parameters and statistics stay as they were.
   */
  async step(): Promise<number> {
    const { solver } = this.recipe;
    const step = this.iteration + 1;
    const rate = learningRate(solver, step);
    const scalars = this.parts.solver.scalars.map((scalar) => ({ ...scalar, value: scalar.at(step) }));
    const fed = new Map(scalars.map(({ name, value }) => [name, value]));
    if (this.lossScaling !== undefined) fed.set(lossScaleName, this.lossScaling.scale);
    const { measures, norms, seconds, apply } = await this.parts.solver.solve({
      done: this.iteration,
      learningRate: rate,
      scalars: fed,
      next: async () => {
        const batch = await this.loader.next();
        this.samplerState = batch.state;
        return batch;
      },
    });
    const loss = measures.get('loss')!;
    if (this.lossScaling?.judge(loss, norms) === 'overflow') {
      this.iteration = step;
      this.tally.add(measures, undefined, seconds);
      return loss;
    }
    this.guard.check({
      iteration: step,
      loss,
      classificationLoss: measures.get('classification')!,
      scalars: new Map(scalars.map(({ symbol, value }) => [symbol, value])),
      featureNorm: measures.get('featureNorm')!,
      learningRate: rate,
      gradientNorms: norms,
    });
    apply();
    this.iteration = step;
    this.tally.add(measures, gradientNorm(norms), seconds);
    return loss;
  }

  /**
   * The log line of the steps since the last one, and a fresh start of its means. Every rank asks for it, and each gets the same means.
   * @param measurement on people held out, if there was one after the last step
   */
  async logLine(measurement?: Measurement): Promise<LogLine> {
    const { solver } = this.recipe;
    const { tally, samplerState, iteration, communicator } = this;
    const rankSeconds = await communicator.allGather(
      Float64Array.of(tally.secondsPerStep),
      equalCounts(communicator.size, 1),
    );
    const line = tally.line({
      iteration,
      learningRate: learningRate(solver, iteration),
      lossScale: this.lossScaling?.scale ?? null,
      epoch: samplerState.epoch + samplerState.position / this.dataset.labels.length,
      angles: await this.parts.solver.angles(),
      columns: this.marginColumns(),
      measurement,
      imagesPerStep: solver.batchSize * solver.iterSize,
      rankSeconds: [...rankSeconds],
      waited: this.loader.waited,
    });
    this.tally = new Tally(this.loader.waited);
    return line;
  }

  async dispose(): Promise<void> {
    await this.loader.dispose();
    await this.parts.solver[Symbol.asyncDispose]();
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

  private newLoader(): Loader {
    const { data, input, solver } = this.recipe;
    return new Loader({
      source: this.dataset.source,
      decode: this.dataset.decode,
      labels: this.dataset.labels,
      sampler: this.sampler,
      input,
      fit: data.fit,
      augmentation: data,
      degradation: data,
      jpeg: this.dataset.jpeg,
      newImages: () => this.parts.solver.newImages(),
      batchSize: solver.batchSize,
      iterSize: solver.iterSize,
      share: this.parts.solver.share,
      prefetch: data.prefetch,
      cacheBytes: (data.cacheMegabytes * 2 ** 20) / this.communicator.localSize,
    });
  }
}

/** The loss scaling of a recipe, which goes on from a state; `undefined` where there is nothing to scale. */
function lossScalingOf({ solver: { precision } }: Recipe, state?: LossScalingState): LossScaling | undefined {
  return precision === 'float16' ? new LossScaling(state) : undefined;
}
