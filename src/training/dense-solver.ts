// Steps with the whole classifier in every process: one graph from images to all gradients, which are then added up over the processes.
import type { Communicator } from '../distributed/index.js';
import type { FormChoice } from '../graph/index.js';
import type { ScheduledScalar } from '../losses/index.js';
import type { ParameterSpec } from '../nn/index.js';
import { float32, withFastestForms } from '../runtime/index.js';
import { ClassifierEnergy } from './classifier-energy.js';
import { DropoutFeeds } from './dropout-feeds.js';
import { type ClassifierAngles, ClassifierGeometry } from './geometry.js';
import { sumGradients } from './gradient-sum.js';
import { HostSolver } from './host-solver.js';
import { classifierName, normaliseRows, startingValues } from './network.js';
import { ParameterStore } from './parameter-store.js';
import { meansOverRanks } from './rank-means.js';
import { RowRange } from './row-range.js';
import {
  keepStatistics,
  type SolvedStep,
  type Solver,
  type SolverOptions,
  type StepInputs,
  updateGroups,
  updateScalars,
} from './solver.js';
import { buildStep, type StepModel } from './step-graph.js';
import { type StepOutcome, StepRunner } from './step-runner.js';
import { recipeOfShare, shareOf, type StepShare } from './step-share.js';

export class DenseSolver extends HostSolver implements Solver {
  private constructor(
    options: SolverOptions,
    share: StepShare,
    store: ParameterStore,
    readonly rows: RowRange,
    private readonly step: StepModel,
    private readonly runner: StepRunner,
    /** The classifier's energy, where it is no part of the step. */
    private readonly energy: ClassifierEnergy | undefined,
    private readonly geometry: ClassifierGeometry,
  ) {
    super(options, share, store);
  }

  static async create(options: SolverOptions): Promise<DenseSolver> {
    const { recipe, identities, components, communicator, target, frozen, extensions } = options;
    const { device, threads, profilePrefix } = options;
    const share = shareOf(recipe.solver, communicator);
    const own = recipeOfShare(recipe, share);
    const energyApart = share.of === 'images' && recipe.loss.energy !== null;
    const ranks = communicator.size;
    const write = (choose: FormChoice) =>
      buildStep(own, identities, { target, frozen, extensions, ranks, energyApart, choose });
    const step = await withFastestForms(write, target, options);
    const store = new ParameterStore(step.specs, step.layouts);
    store.setValues(startingValues(step.specs, recipe, components.margin));
    const energy = energyApart
      ? await ClassifierEnergy.create(recipe, store, communicator, { device, threads, target, extensions })
      : undefined;
    const dropout = new DropoutFeeds(step.masks, recipe, share);
    const runner = await StepRunner.create(step, store, own, energy, dropout, { device, threads, profilePrefix });
    const shape = [identities, recipe.network.embeddingSize] as const;
    const geometry = await ClassifierGeometry.create(shape, { device, threads }, target);
    const rows = RowRange.whole(identities);
    return new DenseSolver(options, share, store, rows, step, runner, energy, geometry);
  }

  get specs(): readonly ParameterSpec[] {
    return this.step.specs;
  }

  get scalars(): readonly ScheduledScalar[] {
    return this.step.scalars;
  }

  get device(): string {
    return this.runner.device;
  }

  async solve({ done, scalars, learningRate, next }: StepInputs): Promise<SolvedStep> {
    const outcome = await this.runner.run(done, scalars, next);
    const [means, norms] = await Promise.all([
      meansOverRanks(outcome, this.communicator),
      sumGradients(this.store, this.communicator, this.summed),
    ]);
    const apply = () => this.apply(learningRate, norms, means.statistics);
    return { seconds: outcome.seconds, measures: means.measures, norms, apply };
  }

  angles(): Promise<ClassifierAngles> {
    const { classes } = this.rows;
    const size = this.options.recipe.network.embeddingSize;
    return this.geometry.measure(float32(this.store.values.get(classifierName)!, [classes, size]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.geometry.dispose();
    await this.energy?.dispose();
    await this.runner.dispose();
  }

  private apply(learningRate: number, norms: SolvedStep['norms'], statistics: StepOutcome['statistics']): void {
    const { components, recipe } = this.options;
    updateGroups(this.store, updateScalars(recipe.solver, learningRate, norms));
    keepStatistics(this.store, statistics);
    if (components.margin.unitClassifier) {
      normaliseRows(this.store.values.get(classifierName)!, recipe.network.embeddingSize);
    }
  }

  private get communicator(): Communicator {
    return this.options.communicator;
  }

  /** Parameters whose gradient is that of all ranks before gradients are added up. */
  private get summed(): ReadonlySet<string> {
    return new Set(this.energy === undefined ? [] : [classifierName]);
  }
}
