// The energy of the classifier where the images of a pass are divided over ranks. It may depend on all labels of the pass, and its weight
// on the length of the whole classification gradient, so it is computed once that gradient has been added up.
import type { Communicator } from '../distributed/communicator.js';
import { equalCounts } from '../distributed/transport.js';
import { add, Graph, norm, reshape, scale, serialize, type Target, type Value } from '../graph/index.js';
import { componentsOf, type Extensions } from './extensions.js';
import type { Recipe } from './recipe.js';
import { float32, float32Data, int64, Session, type SessionOptions, type Tensor } from '../runtime/index.js';
import { classifierName } from './network.js';
import type { ParameterStore } from './parameter-store.js';
import type { MeasureName } from './step-graph.js';

/** What it gives of each pass. */
const measures = ['energy', 'energyTerm', 'energyWeight', 'energyGradient', 'classificationGradient'] as const;

export class ClassifierEnergy implements AsyncDisposable {
  /** Where a pass puts its part of the classification loss's gradient on the classifier. */
  readonly gradient: Float32Array;
  private readonly shape: readonly number[];

  private constructor(
    private readonly session: Session,
    private readonly store: ParameterStore,
    private readonly communicator: Communicator,
    shape: readonly number[],
  ) {
    this.shape = shape;
    this.gradient = new Float32Array(store.gradients.get(classifierName)!.length);
  }

  /** @param recipe the whole step's. @throws SphereFaceError for a recipe without an energy. */
  static async create(
    recipe: Recipe,
    store: ParameterStore,
    communicator: Communicator,
    options: SessionOptions & { readonly target: Target; readonly extensions: Extensions },
  ): Promise<ClassifierEnergy> {
    const { batchSize, iterSize } = recipe.solver;
    const { shape } = store.specs.find(({ name }) => name === classifierName)!;
    const graph = new Graph();
    const classifier = graph.input('classifier', 'float32', shape);
    const labels = graph.input('labels', 'int64', [batchSize]);
    const classification = graph.input('classification', 'float32', shape);
    const earlier = graph.input('earlier', 'float32', shape);
    const classificationGradient = scale(classification, iterSize);
    const { energy } = componentsOf(recipe, options.extensions);
    const built = energy!.build({ classifier, labels, classificationGradient }, recipe.loss.energy!);
    const single: Record<(typeof measures)[number], Value> = {
      energy: built.energy,
      energyTerm: built.term,
      energyWeight: built.weight,
      energyGradient: norm(built.gradient),
      classificationGradient: norm(classificationGradient),
    };
    const outputs: Record<string, Value> = {
      total: add(earlier, add(classification, scale(built.gradient, 1 / iterSize))),
    };
    for (const name of measures) outputs[name] = reshape(single[name], []);
    const model = serialize(graph, { outputs, target: options.target });
    return new ClassifierEnergy(await Session.create(model, options), store, communicator, shape);
  }

  /**
   * Adds to the classifier's gradient in the store, which is then the same on all ranks, what a pass gave: of the classification loss,
   * out of {@link gradient}, and of the energy.
   * @param own labels of this rank's images.
   */
  async add(own: Int32Array): Promise<ReadonlyMap<MeasureName, number>> {
    const { communicator, store, shape } = this;
    const counts = equalCounts(communicator.size, own.length);
    const [labels] = await Promise.all([communicator.allGather(own, counts), communicator.allReduce(this.gradient)]);
    const total: Tensor = float32(store.gradients.get(classifierName)!, shape);
    const outputs = await this.session.run(
      {
        classifier: float32(store.values.get(classifierName)!, shape),
        labels: int64(labels),
        classification: float32(this.gradient, shape),
        earlier: total,
      },
      { total },
    );
    return new Map(measures.map((name) => [name, float32Data(outputs[name])[0]]));
  }

  async dispose(): Promise<void> {
    await this.session.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}
