// Steps whose parameters and momentum stay in the memory of a device: only bytes of images, labels and the schedule's numbers go there, only
// measures come back. A step leads to new tensors beside the old ones, so that one which is not applied leaves the state as it was.
import type { FormChoice } from '../../graph/index.js';
import type { ScheduledScalar } from '../../losses/index.js';
import type { ParameterSpec } from '../../nn/index.js';
import { float32Data, float32Scalar, Session, Tensor, type Tensors, withFastestForms } from '../../runtime/index.js';
import type { BatchImages } from '../batch-images.js';
import { DropoutFeeds } from '../dropout-feeds.js';
import { type ClassifierAngles, ClassifierGeometry } from '../geometry.js';
import { classifierName, startingValues } from '../network.js';
import type { ParameterStore } from '../parameter-store.js';
import { RowRange } from '../row-range.js';
import type { SolvedStep, Solver, SolverOptions, StepInputs } from '../solver.js';
import { gradientName, type MeasureName } from '../step-graph.js';
import { shareOf, type StepShare } from '../step-share.js';
import { DeviceState, letGo } from './device-state.js';
import { buildDevicePass, type DevicePass, type PassPlace, placeOf, rateName, reportName } from './device-step.js';
import { PixelImages } from './pixel-images.js';

/** A pass that is ready to run. */
interface PreparedPass {
  readonly pass: DevicePass;
  readonly session: Session;
}

/** Numbers that a pass reported. */
type Report = ReadonlyMap<string, number>;

export class DeviceSolver implements Solver {
  /** What the step computed last leads to, by the inputs that take it, until it is applied. */
  private ahead: Tensors = {};

  private constructor(
    private readonly options: SolverOptions,
    readonly share: StepShare,
    readonly rows: RowRange,
    private readonly passes: ReadonlyMap<PassPlace, PreparedPass>,
    private readonly last: PreparedPass,
    private readonly held: DeviceState,
    private readonly dropout: DropoutFeeds,
    private readonly geometry: ClassifierGeometry,
  ) {}

  static async create(options: SolverOptions): Promise<DeviceSolver> {
    const { recipe, identities, components, communicator, target, device, threads, profilePrefix } = options;
    const { iterSize } = recipe.solver;
    const share = shareOf(recipe.solver, communicator);
    const places = [...new Set(Array.from({ length: iterSize }, (_, pass) => placeOf(pass, iterSize)))];
    const write = (choose: FormChoice) =>
      places.map((place) => ({ place, pass: buildDevicePass(recipe, identities, { ...options, place, choose }) }));
    const passes = new Map<PassPlace, PreparedPass>();
    for (const { place, pass } of await withFastestForms(write, target, options)) {
      const session = await Session.create(pass.model, {
        device,
        threads,
        profilePrefix,
        kept: [...pass.leadsTo.keys()],
      });
      passes.set(place, { pass, session });
    }
    const last = passes.get(placeOf(iterSize - 1, iterSize))!;
    const { specs, masks } = last.pass;
    const held = await DeviceState.create(specs, { device, threads });
    await held.change((image) => image.setValues(startingValues(specs, recipe, components.margin)));
    const dropout = new DropoutFeeds(masks, recipe, share);
    const shape = [identities, recipe.network.embeddingSize] as const;
    const geometry = await ClassifierGeometry.create(shape, { device, threads }, target);
    return new DeviceSolver(options, share, RowRange.whole(identities), passes, last, held, dropout, geometry);
  }

  get specs(): readonly ParameterSpec[] {
    return this.last.pass.specs;
  }

  get scalars(): readonly ScheduledScalar[] {
    return this.last.pass.scalars;
  }

  get device(): string {
    return `${this.last.session.description}, where parameters and momentum stay`;
  }

  newImages(): BatchImages {
    const { input, data } = this.options.recipe;
    return new PixelImages(input, data, this.share.images);
  }

  state(): Promise<ParameterStore> {
    return this.held.read();
  }

  changeState(change: (store: ParameterStore) => void): Promise<void> {
    return this.held.change(change);
  }

  async solve({ done, scalars, learningRate, next }: StepInputs): Promise<SolvedStep> {
    letGo(this.ahead);
    this.ahead = {};
    const { iterSize } = this.options.recipe.solver;
    const given: Record<string, Tensor> = { [rateName]: float32Scalar(learningRate) };
    for (const [name, value] of scalars) given[name] = float32Scalar(value);
    const measures = new Map<MeasureName, number>();
    let norms: Report = new Map();
    const started = performance.now();
    for (let pass = 0; pass < iterSize; pass++) {
      const { images, labels } = await next();
      const prepared = this.passes.get(placeOf(pass, iterSize))!;
      const outputs = await run(prepared, {
        ...this.held.feeds,
        ...this.ahead,
        ...given,
        ...images.feeds,
        ...this.dropout.of(done, pass),
        labels: new Tensor('int32', labels, [labels.length]),
      });
      letGo(this.ahead);
      this.ahead = outputs.kept;
      for (const name of prepared.pass.measures) {
        measures.set(name, (measures.get(name) ?? 0) + outputs.report.get(name)! / iterSize);
      }
      norms = new Map(prepared.pass.norms.map((name) => [name, outputs.report.get(gradientName(name))!]));
    }
    return { measures, norms, seconds: (performance.now() - started) / 1000, apply: () => this.apply() };
  }

  angles(): Promise<ClassifierAngles> {
    return this.geometry.measure(this.held.tensor(classifierName));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    letGo(this.ahead);
    await this.geometry.dispose();
    await this.held[Symbol.asyncDispose]();
    for (const { session } of this.passes.values()) await session.dispose();
  }

  private apply(): void {
    const next = this.ahead;
    this.ahead = {};
    this.held.replace(next);
  }
}

/** Runs a pass with those of the tensors that it takes. What stays on the device comes by the names under which it is taken next. */
async function run(
  { pass, session }: PreparedPass,
  tensors: Tensors,
): Promise<{ readonly kept: Tensors; readonly report: Report }> {
  const outputs = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, tensors[name]])));
  const kept = Object.fromEntries([...pass.leadsTo].map(([output, input]) => [input, outputs[output]]));
  const names = [...pass.measures, ...pass.norms.map(gradientName)];
  const numbers = float32Data(outputs[reportName]);
  return { kept, report: new Map(names.map((name, i) => [name, numbers[i]])) };
}
