// How the classifiers lie on the sphere: the smallest and the mean angle between them, computed in blocks.
import {
  acos,
  clip,
  concat,
  Graph,
  matmul,
  reduceMax,
  replaceLabel,
  scale,
  serialize,
  slice,
  sum,
  type Target,
  type Value,
} from '../graph/index.js';
import { unitRows } from '../losses/index.js';
import { float32Data, Session, type SessionOptions, type Tensor } from '../runtime/index.js';

/** Angles between different classifiers, degrees. */
export interface ClassifierAngles {
  readonly minimum: number;
  readonly mean: number;
}

/** Rows per block: a block holds this many times N cosines. */
const blockRows = 512;

/** Measures the angles between all pairs of rows of a classifier [N, d], N ≥ 2. */
export class ClassifierGeometry implements AsyncDisposable {
  private constructor(
    private readonly session: Session,
    private readonly shape: readonly [number, number],
  ) {}

  static async create(
    shape: readonly [number, number],
    options: SessionOptions,
    target?: Target,
  ): Promise<ClassifierGeometry> {
    const graph = new Graph();
    const rows = unitRows(graph.input('classifier', 'float32', shape));
    const [count] = shape;
    const largest: Value[] = [];
    const sums: Value[] = [];
    for (let start = 0; start < count; start += blockRows) {
      const end = Math.min(start + blockRows, count);
      const own = graph.indices(Array.from({ length: end - start }, (_, i) => start + i));
      const cosines = matmul(slice(rows, { axes: [0], starts: [start], ends: [end] }), rows, { transposeB: true });
      // A row's cosine with itself is set to −1, whose angle of π is taken off the sum below.
      const opposite = graph.constant(new Float32Array(end - start).fill(-1), [end - start]);
      const others = clip(replaceLabel(cosines, own, opposite), -1, 1);
      largest.push(reduceMax(others, { axes: [1] }));
      sums.push(sum(acos(others), { axes: [1] }));
    }
    const joined = (values: Value[]) => (values.length === 1 ? values[0] : concat(values, 0));
    const outputs = { largest: joined(largest), sums: scale(joined(sums), 180 / Math.PI) };
    const model = serialize(graph, { outputs, ...(target === undefined ? {} : { target }) });
    return new ClassifierGeometry(await Session.create(model, options), shape);
  }

  async measure(classifier: Tensor): Promise<ClassifierAngles> {
    const { largest, sums } = await this.session.run({ classifier });
    const [count] = this.shape;
    const cosine = float32Data(largest).reduce((a, b) => Math.max(a, b), -1);
    const total = float32Data(sums).reduce((a, b) => a + b - 180, 0);
    return { minimum: (Math.acos(cosine) * 180) / Math.PI, mean: total / (count * (count - 1)) };
  }

  async dispose(): Promise<void> {
    await this.session.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}
