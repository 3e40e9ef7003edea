// A second form of a model's network for many pictures: the same parameters in a graph made for this processor and one batch size.
// The file's own graph, of standard operators and for any batch, stays the quicker one to open and for a few pictures.
import { z } from 'zod';
import { SphereFaceError } from '../common/errors.js';
import { Graph, serialize, type Value } from '../graph/index.js';
import { floatParameters, type ParsedModel, storesFloat16 } from '../graph/onnx/index.js';
import { backbones, type EmbeddingNetwork, embeddingNetwork, InferenceBuilder, withPresentNames } from '../nn/index.js';
import { float32Data, Session, type Tensor } from '../runtime/index.js';
import type { ModelMetadata } from './metadata.js';

/** Pictures of one run; its matrix products are tall enough from here on, and its memory does not grow with the caller's batches. */
export const preparedBatch = 32;

/**
 * Preparing the network costs about as much time as it saves on this many pictures: it builds the graph and transforms the weights,
 * a second and a half, and then takes five to ten milliseconds less for each.
 */
const worthwhile = 256;

/**
 * How far the two forms' embeddings may lie apart, relative to the length of all of a batch. Rounding makes 1e-6; a file whose network
 * is not the one that its recipe names is far beyond.
 */
const tolerance = 1e-4;

/** What is read of a recipe here. */
const recipeSchema = z.object({ network: backbones.schema });

const input = 'images';
const output = 'embedding';

/** Counts the pictures that a model is given, and prepares its network when there are many. */
export class PreparedNetwork implements AsyncDisposable {
  private seen = 0;
  /** `unfit`: the file's own graph has to do. */
  private state: 'waiting' | 'preparing' | 'unfit' | Session = 'waiting';

  private constructor(
    private readonly network: EmbeddingNetwork,
    private readonly metadata: ModelMetadata,
    private readonly threads: number | undefined,
    private model: ParsedModel | undefined,
  ) {}

  /** `undefined` for a file that states no network known here, or stores its parameters in another format than float32. */
  static of(model: ParsedModel, metadata: ModelMetadata | undefined, threads?: number): PreparedNetwork | undefined {
    const network = metadata?.recipe === undefined ? undefined : networkOf(metadata.recipe);
    if (metadata === undefined || network === undefined) return undefined;
    if (storesFloat16(model)) return undefined;
    return new PreparedNetwork(network, metadata, threads, model);
  }

  /**
   * The embeddings of a batch, the first rows of the result; `undefined` where the file's own graph is the better one.
   * @param images makes float32 [preparedBatch, 3, height, width]; what follows `count` pictures is ignored
   * @param stored runs the file's own graph on the same batch: asked once, as the check that both are one network
   */
  async run(
    count: number,
    images: () => Tensor,
    stored: () => Promise<Float32Array>,
  ): Promise<Float32Array | undefined> {
    this.seen += count;
    if (this.state instanceof Session) return embed(this.state, images());
    if (this.state !== 'waiting' || this.seen < worthwhile) return undefined;
    this.state = 'preparing';
    const session = await this.prepare();
    const expected = await stored();
    const size = count * this.metadata.embeddingSize;
    const same = session !== undefined && distance(await embed(session, images()), expected, size) <= tolerance;
    // Unless the model was disposed of meanwhile.
    if (same && this.state === 'preparing') this.state = session;
    else {
      this.state = 'unfit';
      await session?.dispose();
    }
    return expected;
  }

  async dispose(): Promise<void> {
    const { state } = this;
    this.state = 'unfit';
    this.model = undefined;
    if (state instanceof Session) await state.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** The network made for this processor; `undefined` when the file's parameters are not those of the network it names. */
  private async prepare(): Promise<Session | undefined> {
    if (this.model === undefined) return undefined;
    const values = new Map([...floatParameters(this.model, 'the model')].map(([name, { data }]) => [name, data]));
    this.model = undefined;
    const present = withPresentNames(values, backbones.of(this.network.type));
    const graph = new Graph();
    const { width, height } = this.metadata.input;
    const images = graph.input(input, 'float32', [preparedBatch, 3, height, width]);
    let embedding: Value;
    try {
      embedding = embeddingNetwork(new InferenceBuilder(graph, present), images, this.network);
    } catch (error) {
      if (error instanceof SphereFaceError) return undefined;
      throw error;
    }
    const model = serialize(graph, { outputs: { [output]: embedding }, target: { device: 'cpu' } });
    return Session.create(model, { device: 'cpu', ...(this.threads === undefined ? {} : { threads: this.threads }) });
  }
}

async function embed(session: Session, images: Tensor): Promise<Float32Array> {
  return float32Data((await session.run({ [input]: images }))[output]);
}

function networkOf(recipe: string): EmbeddingNetwork | undefined {
  try {
    return recipeSchema.safeParse(JSON.parse(recipe)).data?.network;
  } catch {
    return undefined; // Foreign or hand-written metadata: the file's graph stands for itself.
  }
}

/** |a − b| / |b| over the first `size` values; NaN counts as far apart for the caller's comparison. */
function distance(a: Float32Array, b: Float32Array, size: number): number {
  let [difference, length] = [0, 0];
  for (let i = 0; i < size; i++) {
    difference += (a[i]! - b[i]!) ** 2;
    length += b[i]! ** 2;
  }
  return Math.sqrt(difference / length);
}
