// A model's bytes opened for use: pictures in, embeddings out.
import type { Tensor } from 'onnxruntime-common';
import { SphereFaceError } from '../common/errors.js';
import { Lifetime } from '../common/lifetime.js';
import { ModelFileError, type ParsedModel, portsOf } from '../graph/onnx/index.js';
import type { InputSpec } from '../images/input.js';
import type { PackedPicture } from '../images/packer.js';
import type { Picture } from '../images/source.js';
import { type Device, Session } from '../runtime/index.js';
import type { ModelMetadata } from './metadata.js';
import { outputValues, PictureTensors } from './picture-tensors.js';
import { OpenBatch } from './open-batch.js';
import { embeddingPort, type PicturePort, picturePort } from './ports.js';
import { PreparedNetwork, preparedBatch } from './prepared-network.js';

/** Where a model runs, and what of it is used. */
export interface EmbedderOptions {
  readonly device?: Device;
  readonly threads?: number;
  /** The output that is the embedding, where a foreign file has several that could be it. */
  readonly modelOutput?: string;
  /** What is odd about the network, said once: that it takes one picture at a time though its file leaves the batch open. */
  readonly onWarning?: (text: string) => void;
}

/** How to embed pictures. */
export interface EmbedOptions {
  /** Concatenate the embedding of the mirrored picture (the published protocol); off by default. */
  readonly flip?: boolean;
  /** Pictures per run of the network; 32 by default. With `flip` each counts twice. */
  readonly batchSize?: number;
  /** Called after each batch with the number of pictures done. */
  readonly onProgress?: (done: number) => void;
}

/** An open model. `embed` may be called side by side; `dispose` waits for the calls under way. */
export interface PictureEmbedder extends AsyncDisposable {
  /** The file's path; of a model given as bytes, `the model`. */
  readonly path: string;
  readonly metadata: ModelMetadata;
  readonly input: InputSpec;
  /** Length of an embedding, without the mirrored picture's. */
  readonly embeddingSize: number;
  /** Which engine runs it on which device, and why, in words. */
  readonly description: string;
  /**
   * Embeds pictures: float32 [pictures, embeddingSize], twice as wide with `flip`.
   * @throws SphereFaceError for a picture of another size than the model's, and after disposal.
   */
  embed(pictures: readonly Picture[], options?: EmbedOptions): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/** A model of which everything is known that opening it takes. */
export interface ReadModel {
  readonly bytes: Uint8Array;
  readonly parsed: ParsedModel;
  /** Names it in errors. */
  readonly path: string;
  /** What it says of itself; `undefined` for a foreign file. */
  readonly stated: ModelMetadata | undefined;
  readonly input: InputSpec;
}

/**
 * Opens a model that has been read.
 * @throws ModelFileError for a network that takes no pictures or gives no embeddings, or contradicts what its file states.
 */
export async function openEmbedder(
  { bytes, parsed, path, stated, input }: ReadModel,
  { device, threads, modelOutput, onWarning }: EmbedderOptions = {},
): Promise<PictureEmbedder> {
  const ports = portsOf(parsed);
  const image = picturePort(ports.inputs, input, path);
  const output = embeddingPort(ports.outputs, path, modelOutput);
  const session = await Session.create(bytes, {
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    const prepared = session.device === 'cpu' ? PreparedNetwork.of(parsed, stated, threads) : undefined;
    const network = new Network(session, image, output.name, new PictureTensors(input, image), prepared, () => {
      onWarning?.(
        `${path} computes one picture at a time, though its file leaves the batch open: it is run so, which is slower`,
      );
    });
    const embeddingSize = output.size ?? (await network.probe());
    if (embeddingSize < 2) {
      throw new ModelFileError(`${path} gives no embedding.`, {
        got: `${embeddingSize} value per picture in the output ${output.name}`,
        expected: 'several values per picture',
        next: 'choose another output with `modelOutput`, if it has one',
      });
    }
    if (stated !== undefined && stated.embeddingSize !== embeddingSize) {
      throw new ModelFileError(`${path} contradicts itself about the length of its embeddings.`, {
        got: `${embeddingSize} from the network`,
        expected: `${stated.embeddingSize} as its metadata states`,
      });
    }
    return {
      path,
      metadata: stated ?? { input, embeddingSize },
      input,
      embeddingSize,
      description: session.description,
      embed: (pictures, embedOptions) => network.embed(pictures, embeddingSize, embedOptions),
      dispose: () => network.dispose(),
      [Symbol.asyncDispose]: () => network.dispose(),
    };
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

/** The running network: packs pictures, runs batch by batch, collects the rows. */
class Network {
  private readonly life = new Lifetime('model');
  private readonly openBatch: OpenBatch;

  constructor(
    private readonly session: Session,
    private readonly image: PicturePort,
    private readonly output: string,
    private readonly tensors: PictureTensors,
    private readonly prepared: PreparedNetwork | undefined,
    onAlone: () => void,
  ) {
    this.openBatch = new OpenBatch((batch) => this.runGraph(batch, batch.length), onAlone);
  }

  dispose(): Promise<void> {
    return this.life.end(async () => {
      await this.session.dispose();
      await this.prepared?.dispose();
    });
  }

  embed(pictures: readonly Picture[], size: number, options: EmbedOptions = {}): Promise<Float32Array> {
    return this.life.use(() => this.embedAll(pictures, size, options));
  }

  private async embedAll(pictures: readonly Picture[], size: number, options: EmbedOptions): Promise<Float32Array> {
    const { flip = false, batchSize = 32, onProgress } = options;
    const views = flip ? [false, true] : [false];
    const rows = pictures.flatMap((picture): PackedPicture[] => views.map((mirrored) => ({ picture, mirrored })));
    const result = new Float32Array(rows.length * size);
    const wanted = batchSize * views.length;
    const perRun = this.image.batch ?? (this.prepared === undefined ? wanted : Math.min(wanted, preparedBatch));
    for (let start = 0; start < rows.length; start += perRun) {
      const batch = rows.slice(start, start + perRun);
      const embeddings = await this.run(batch);
      if (embeddings.length < batch.length * size) {
        throw new SphereFaceError('The network gave fewer values than embeddings were asked for.', {
          got: `${embeddings.length} values`,
          expected: `${batch.length} × ${size}`,
        });
      }
      result.set(embeddings.subarray(0, batch.length * size), start * size);
      onProgress?.(Math.floor((start + batch.length) / views.length));
    }
    return result;
  }

  /** The length of an embedding, found by running one black picture. */
  async probe(): Promise<number> {
    const { width, height } = this.tensors.spec;
    const picture: Picture = { width, height, data: new Uint8Array(width * height * 3) };
    return (await this.run([{ picture, mirrored: false }])).length / (this.image.batch ?? 1);
  }

  private async run(batch: readonly PackedPicture[]): Promise<Float32Array> {
    const stored = (): Promise<Float32Array> => this.runStored(batch);
    // A batch less than half full costs less without the pictures it would be filled up with.
    if (this.prepared === undefined || batch.length <= preparedBatch / 2) return stored();
    const images = (): Tensor => this.tensors.of(batch, preparedBatch);
    return (await this.prepared.run(batch.length, images, stored)) ?? stored();
  }

  /** One run of the file's graph. A network with a fixed batch gets the missing pictures as zeros. */
  private runStored(batch: readonly PackedPicture[]): Promise<Float32Array> {
    return this.image.batch === undefined ? this.openBatch.run(batch) : this.runGraph(batch, this.image.batch);
  }

  private async runGraph(batch: readonly PackedPicture[], count: number): Promise<Float32Array> {
    const tensor = this.tensors.of(batch, count);
    const outputs = await this.session.run({ [this.image.name]: tensor });
    return outputValues(outputs[this.output], this.output);
  }
}
