// Steps with the classifier's rows divided among the processes. A pass: features of this process's images; features and labels of all are
// gathered; each process computes what its rows bring to the loss and the gradients; the features' gradient comes back added up; and the
// backbone's way back goes on from there. The gradient of a row stays where the row is.
import { UsageError } from '../../common/errors.js';
import { TimedCommunicator } from '../../distributed/timed.js';
import { equalCounts } from '../../distributed/transport.js';
import type { DividedEnergy, ScheduledScalar } from '../../losses/index.js';
import { type ParameterSpec, sgdUpdate } from '../../nn/index.js';
import { float32, float32Scalar, type Tensor } from '../../runtime/index.js';
import { DropoutFeeds } from '../dropout-feeds.js';
import type { ClassifierAngles } from '../geometry.js';
import { sumGradients } from '../gradient-sum.js';
import { HostSolver } from '../host-solver.js';
import type { Batch } from '../loader.js';
import { classifierName, type ClassifierSpecs, classifierSpecs, normaliseRows, startingValues } from '../network.js';
import { ParameterStore } from '../parameter-store.js';
import { meansOverRanks } from '../rank-means.js';
import { RowRange } from '../row-range.js';
import {
  keepStatistics,
  type SolvedStep,
  type Solver,
  type SolverOptions,
  type StepInputs,
  updateGroups,
  type UpdateScalars,
  updateScalars,
} from '../solver.js';
import type { MeasureName } from '../step-graph.js';
import { imagesShare, recipeOfShare, type StepShare } from '../step-share.js';
import { backboneModels } from './backbone-graphs.js';
import { BackboneRunner } from './backbone-runner.js';
import { ClassifierShard } from './classifier-shard.js';
import { SampledGeometry } from './sampled-geometry.js';
import { addScaled } from '../vectors.js';

export class ShardedSolver extends HostSolver implements Solver {
  private constructor(
    options: SolverOptions,
    share: StepShare,
    store: ParameterStore,
    private readonly communicator: TimedCommunicator,
    readonly rows: RowRange,
    private readonly ofClassifier: ClassifierSpecs,
    private readonly backbone: BackboneRunner,
    private readonly shard: ClassifierShard,
    private readonly geometry: SampledGeometry,
  ) {
    super(options, share, store);
  }

  /** @throws UsageError when the energy or the margin of the recipe cannot be divided, or a step not among the processes. */
  static async create(options: SolverOptions): Promise<ShardedSolver> {
    const { recipe, identities, components, target, frozen, extensions, device, threads, profilePrefix } = options;
    const communicator = new TimedCommunicator(options.communicator);
    const share = imagesShare(recipe.solver, communicator);
    const own = recipeOfShare(recipe, share);
    const rows = RowRange.part(identities, communicator);
    const specs = classifierSpecs(recipe, identities, components.margin, rows.count);
    const models = backboneModels(own, { target, frozen, extensions, ranks: communicator.size });
    const all = [...models.specs, specs.weight, ...specs.ofMargin.values()];
    const store = new ParameterStore(all, models.layouts, new Set([classifierName]));
    store.setValues(startingValues(all, recipe, components.margin, rows.first));
    const place = { device, threads };
    const energy = dividedEnergy(options);
    const shard = new ClassifierShard({
      recipe,
      margin: components.margin,
      energy,
      range: rows,
      communicator,
      target,
      place,
    });
    const dropout = new DropoutFeeds(models.masks, recipe, share);
    const backbone = await BackboneRunner.create(models, store, own, dropout, { ...place, profilePrefix });
    const geometry = await SampledGeometry.create(rows, recipe.network.embeddingSize, communicator, place, target);
    return new ShardedSolver(options, share, store, communicator, rows, specs, backbone, shard, geometry);
  }

  get specs(): readonly ParameterSpec[] {
    return this.store.specs;
  }

  get scalars(): readonly ScheduledScalar[] {
    const { components, recipe } = this.options;
    return components.margin.scalars?.(recipe.loss.margin) ?? [];
  }

  get device(): string {
    return this.backbone.device;
  }

  async solve({ done, scalars, learningRate, next }: StepInputs): Promise<SolvedStep> {
    const { communicator, store } = this;
    const { iterSize } = this.options.recipe.solver;
    const started = performance.now();
    const waited = communicator.waited;
    this.backbone.begin();
    this.shard.gradient.clear();
    const measures = new Map<MeasureName, number>();
    for (let pass = 0; pass < iterSize; pass++) {
      const ofPass = await this.pass(await next(), { done, pass }, scalars);
      for (const [name, value] of ofPass) measures.set(name, (measures.get(name) ?? 0) + value / iterSize);
    }
    const seconds = (performance.now() - started) / 1000 - (communicator.waited - waited);
    const outcome = { measures, statistics: this.backbone.newStatistics, seconds };
    const ofMargin = new Set([...this.ofClassifier.ofMargin.values()].map(({ name }) => name));
    const squared = Float64Array.of(this.shard.gradient.squaredNorm);
    const [means, norms] = await Promise.all([
      meansOverRanks(outcome, communicator),
      sumGradients(store, communicator, ofMargin),
      communicator.allReduce(squared),
    ]);
    norms.set(classifierName, Math.sqrt(squared[0]));
    const apply = () => {
      this.update(updateScalars(this.options.recipe.solver, learningRate, norms));
      keepStatistics(store, means.statistics);
    };
    return { seconds, measures: means.measures, norms, apply };
  }

  /** Rows that took no part in the step stay as they are, with their momentum. */
  private update(scalars: UpdateScalars): void {
    updateGroups(this.store, scalars);
    const { components, recipe } = this.options;
    const size = recipe.network.embeddingSize;
    const values = this.store.values.get(classifierName)!;
    const momentum = this.store.momentum.get(classifierName)!;
    this.shard.gradient.forEach((row, gradient) => {
      const [start, end] = [row * size, row * size + gradient.length];
      const rows = values.subarray(start, end);
      sgdUpdate(rows, momentum.subarray(start, end), gradient, scalars);
      if (components.margin.unitClassifier) normaliseRows(rows, size);
    });
  }

  angles(): Promise<ClassifierAngles> {
    return this.geometry.measure(this.store.values.get(classifierName)!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.geometry.dispose();
    await this.shard.dispose();
    await this.backbone[Symbol.asyncDispose]();
  }

  private async pass(
    { images, labels }: Batch,
    { done, pass }: { readonly done: number; readonly pass: number },
    scalars: ReadonlyMap<string, number>,
  ): Promise<ReadonlyMap<MeasureName, number>> {
    const { communicator, store, share } = this;
    const { iterSize } = this.options.recipe.solver;
    const size = this.options.recipe.network.embeddingSize;
    const own = await this.backbone.forward(images.feeds, done, pass);
    const equal = (length: number) => equalCounts(communicator.size, length);
    const [features, all] = await Promise.all([
      communicator.allGather(own, equal(share.images * size)),
      communicator.allGather(labels, equal(share.images)),
    ]);
    const given = new Map<string, Tensor>([...scalars].map(([name, value]) => [name, float32Scalar(value)]));
    for (const [name, spec] of this.ofClassifier.ofMargin)
      given.set(name, float32(store.values.get(spec.name)!, spec.shape));
    const outcome = await this.shard.pass(
      store.values.get(classifierName)!,
      { features, labels: all, pass: done * iterSize + pass },
      given,
    );
    for (const [name, spec] of this.ofClassifier.ofMargin) {
      addScaled(store.gradients.get(spec.name)!, outcome.parameterGradients.get(name)!, 1 / iterSize);
    }
    const back = await communicator.reduceScatter(outcome.featuresGradient, equal(share.images * size));
    const ofBackbone = await this.backbone.backward(back);
    const hidden = ofBackbone.get('hiddenEnergyTerm') ?? 0;
    return new Map([...outcome.measures, ...ofBackbone, ['loss', outcome.measures.get('loss')! + hidden]]);
  }
}

/** The recipe's energy where no process has all rows. */
function dividedEnergy({ recipe, components }: SolverOptions): DividedEnergy | undefined {
  const { energy } = components;
  if (energy === undefined || recipe.loss.energy === null) return undefined;
  const divided = energy.divided?.(recipe.loss.energy);
  if (divided !== undefined) return divided;
  throw new UsageError(`The energy "${energy.type}" cannot be computed on a part of the classifier.`, {
    got: 'an energy without `divided`',
    next: 'set solver.classifier to dense',
  });
}
