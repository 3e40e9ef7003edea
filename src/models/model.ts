// A model file opened for use: pictures in, embeddings out, under the input convention that the file states of itself.
import { readFile } from 'node:fs/promises';
import type { Tensor } from 'onnxruntime-common';
import { fileURLToPath } from 'node:url';
import { messageOf, SphereFaceError, UsageError } from '../common/errors.js';
import { Lifetime } from '../common/lifetime.js';
import type { Picture } from '../images/source.js';
import { type Device, Session } from '../runtime/index.js';
import type { InputSpec } from '../images/input.js';
import type { PackedPicture } from '../images/packer.js';
import { type ModelMetadata, decodeMetadata, encodeMetadata, parseInputSpec } from './metadata.js';
import {
  ModelFileError,
  type ParsedModel,
  parseModel,
  portsOf,
  readMetadataProps,
  withMetadataProps,
} from '../graph/onnx/index.js';
import { knownModel } from './known-models.js';
import { networkDigest, readModelFile, writeModel } from './model-file.js';
import { outputValues, PictureTensors } from './picture-tensors.js';
import { embeddingPort, type PicturePort, picturePort, type StatedPictures, statedPictures } from './ports.js';
import { PreparedNetwork, preparedBatch } from './prepared-network.js';

/** How to open a model. */
export interface OpenModelOptions {
  readonly device?: Device;
  readonly threads?: number;
  /** The input convention of a file that does not state its own. */
  readonly inputSpec?: InputSpec;
  /** The output that is the embedding, where a foreign file has several that could be it. */
  readonly modelOutput?: string;
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

/** A model file: its path, its address (`file:`), or its bytes. */
export type ModelSource = string | URL | Uint8Array;

/** An open model. `embed` may be called side by side; `dispose` waits for the calls under way. */
export interface Model extends AsyncDisposable {
  /** The file's path; of a model given as bytes, `the model`. */
  readonly path: string;
  readonly metadata: ModelMetadata;
  readonly input: InputSpec;
  /** Length of an embedding, without the mirrored picture's. */
  readonly embeddingSize: number;
  /** Which engine runs it on which device, and why, in words. */
  readonly description: string;
  /** SHA-256 (hexadecimal) of network and weights, without the metadata: embeddings of two models with one digest may be compared. */
  readonly digest: string;
  /**
   * Embeds pictures: float32 [pictures, embeddingSize], twice as wide with `flip`.
   * @throws SphereFaceError for a picture of another size than the model's, and after disposal.
   */
  embed(pictures: readonly Picture[], options?: EmbedOptions): Promise<Float32Array>;
  dispose(): Promise<void>;
}

/**
 * Opens a model. The input convention is the file's own; a foreign file's comes from `inputSpec`, from the sidecar `<path>.json`, or from
 * the table of published models.
 * @throws ModelFileError if the file is no usable model, if nothing states its input, or if `inputSpec` contradicts it.
 */
export async function openModel(source: ModelSource, options: OpenModelOptions = {}): Promise<Model> {
  const { device, threads } = options;
  const file = source instanceof URL ? fileURLToPath(source) : source;
  const inMemory = typeof file !== 'string';
  const path = inMemory ? 'the model' : file;
  const bytes = inMemory ? file : await readModelFile(file);
  const stated = decodeMetadata(readMetadataProps(bytes, path), path);
  const parsed = parseModel(bytes, path);
  const sidecar = inMemory ? undefined : sidecarOf(file);
  const input = await statedInput({ bytes, parsed, path, sidecar }, options.inputSpec);
  if (input === undefined) {
    throw new ModelFileError(`${path} does not state how pictures become its input.`, {
      got: 'an ONNX file without metadata of this package, and of no published model that is known',
      expected: `an input specification${sidecar === undefined ? '' : ` in ${sidecar}, or`} given as \`inputSpec\``,
      next: 'write one (docs/formats.md shows it), or have it found on photos: sphereface import MODEL --probe PHOTOS -o OWN',
    });
  }
  const ports = portsOf(parsed);
  const image = picturePort(ports.inputs, input, path);
  const output = embeddingPort(ports.outputs, path, options.modelOutput);
  const session = await Session.create(bytes, {
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    const prepared = session.device === 'cpu' ? PreparedNetwork.of(parsed, stated, threads) : undefined;
    const network = new Network(session, image, output.name, new PictureTensors(input, image), prepared);
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
    const digest = networkDigest(bytes, path);
    return {
      path,
      metadata: stated ?? { input, embeddingSize },
      input,
      embeddingSize,
      description: session.description,
      digest,
      embed: (pictures, embedOptions) => network.embed(pictures, embeddingSize, embedOptions),
      dispose: () => network.dispose(),
      [Symbol.asyncDispose]: () => network.dispose(),
    };
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

/** The metadata of a model file without opening it for use; `undefined` for a foreign file. */
export async function readMetadata(path: string): Promise<ModelMetadata | undefined> {
  return decodeMetadata(readMetadataProps(await readModelFile(path), path), path);
}

/** What a model file's input says of the pictures that it takes. @throws ModelFileError for a file that is no model, or takes none. */
export async function picturesOf(path: string): Promise<StatedPictures> {
  return statedPictures(portsOf(parseModel(await readModelFile(path), path)).inputs, path);
}

/** Rewrites some of a model file's metadata, for instance its calibration. The network's bytes stay as they are. */
export async function updateMetadata(path: string, changes: Partial<ModelMetadata>): Promise<void> {
  const bytes = await readModelFile(path);
  const props = readMetadataProps(bytes, path);
  const stated = decodeMetadata(props, path);
  if (stated === undefined) {
    throw new ModelFileError(`${path} states no input convention, so there is no metadata to change.`, {
      next: `make it a model of its own first: sphereface import ${path} --input-spec FILE -o MODEL`,
    });
  }
  for (const [key, value] of Object.entries(encodeMetadata({ ...stated, ...changes }))) props.set(key, value);
  await writeModel(path, withMetadataProps(bytes, props, path));
}

/** A file that states the input convention of the model beside it. */
export function sidecarOf(path: string): string {
  return `${path}.json`;
}

/** Reads an input specification: a file (JSON or YAML), or its text itself, which begins with `{`. @throws UsageError for a file that is not there. */
export async function readInputSpec(given: string): Promise<InputSpec> {
  if (given.trimStart().startsWith('{')) return parseInputSpec(given, 'the input specification');
  const text = await readFile(given, 'utf8').catch((cause: unknown) => {
    throw new UsageError(`The input specification ${given} cannot be read.`, {
      got: messageOf(cause),
      expected: 'a file (JSON or YAML), or the specification itself: {width: 112, height: 112, …}',
      next: 'see docs/formats.md',
      cause,
    });
  });
  return parseInputSpec(text, given);
}

/** A model's bytes, its path, and the file that may state its input convention. */
export interface StatingModel {
  readonly bytes: Uint8Array;
  readonly parsed: ParsedModel;
  /** Names it in errors. */
  readonly path: string;
  readonly sidecar?: string | undefined;
}

/**
 * The input convention of a model: its own statement, else `given`, else its sidecar's, else what is known of a published model; `undefined` where
 * nothing states one.
 * @throws ModelFileError if `given` contradicts the model.
 */
export async function statedInput(
  { bytes, parsed, path, sidecar }: StatingModel,
  given?: InputSpec,
): Promise<InputSpec | undefined> {
  const own = decodeMetadata(readMetadataProps(bytes, path), path)?.input;
  if (own !== undefined) {
    if (given !== undefined && !sameSpec(own, given)) {
      throw new ModelFileError(`The input specification contradicts the model ${path}.`, {
        got: JSON.stringify(given),
        expected: JSON.stringify(own),
        next: 'leave the specification out: the model states its own',
      });
    }
    return own;
  }
  if (given !== undefined) return given;
  const text = sidecar === undefined ? undefined : await readFile(sidecar, 'utf8').catch(() => undefined);
  if (sidecar !== undefined && text !== undefined) return parseInputSpec(text, sidecar);
  return knownModel(parsed, path)?.input;
}

function sameSpec(a: InputSpec, b: InputSpec): boolean {
  const flat = ({ width, height, channelOrder, mean, scale, alignment }: InputSpec): string =>
    JSON.stringify([width, height, channelOrder, mean, scale, alignment.template, alignment.solver, alignment.version]);
  return flat(a) === flat(b);
}

/** The running network: packs pictures, runs batch by batch, collects the rows. */
class Network {
  private readonly life = new Lifetime('model');

  constructor(
    private readonly session: Session,
    private readonly image: PicturePort,
    private readonly output: string,
    private readonly tensors: PictureTensors,
    private readonly prepared?: PreparedNetwork,
  ) {}

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
  private async runStored(batch: readonly PackedPicture[]): Promise<Float32Array> {
    const tensor = this.tensors.of(batch, this.image.batch ?? batch.length);
    const outputs = await this.session.run({ [this.image.name]: tensor });
    return outputValues(outputs[this.output], this.output);
  }
}
