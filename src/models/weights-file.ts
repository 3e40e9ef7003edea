// A weights file of which tensors, or some rows of them, are read one by one: what is larger than memory, or than what one process needs.
import { type FileHandle, open } from 'node:fs/promises';
import { SphereFaceError } from '../common/errors.js';
import { sizeOf } from '../graph/index.js';
import { bytesOf, headerLengthOf, parseHeader, type SafetensorsHeader, type Tensor } from './safetensors.js';
import { readStatements, type Weights } from './weights.js';

/** Bytes that are read at once: systems refuse more than 2 GiB. */
const mostBytes = 2 ** 30;

export class WeightsFile implements AsyncDisposable {
  private constructor(
    private readonly file: FileHandle,
    private readonly path: string,
    private readonly header: SafetensorsHeader,
    /** What it says of itself. */
    readonly statements: Omit<Weights, 'parameters'>,
  ) {}

  /** @throws SphereFaceError for a damaged file. */
  static async open(path: string): Promise<WeightsFile> {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const start = new Uint8Array(Math.min(8, size));
      await file.read(start, 0, start.length, 0);
      const text = new Uint8Array(headerLengthOf(start, size, path));
      await file.read(text, 0, text.length, 8);
      const header = parseHeader(text, size, path);
      return new WeightsFile(file, path, header, readStatements(header.metadata, path));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get names(): readonly string[] {
    return [...this.header.places.keys()];
  }

  /** The shape of a tensor, `undefined` where there is none of that name. */
  shapeOf(name: string): readonly number[] | undefined {
    return this.header.places.get(name)?.shape;
  }

  /** Reads tensors; all but those of these names. */
  async tensorsBut(...left: readonly string[]): Promise<Map<string, Tensor>> {
    const tensors = new Map<string, Tensor>();
    for (const name of this.names.filter((name) => !left.includes(name))) {
      const shape = this.shapeOf(name)!;
      const data = new Float32Array(sizeOf(shape));
      await this.read(name, 0, data);
      tensors.set(name, { shape, data });
    }
    return tensors;
  }

  /** Reads rows of a matrix, from `first` on, into memory for as many whole ones. */
  async readRows(name: string, first: number, into: Float32Array): Promise<void> {
    const [, size] = this.shapeOf(name)!;
    await this.read(name, first * size, into);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file.close();
  }

  private async read(name: string, start: number, into: Float32Array): Promise<void> {
    const bytes = bytesOf(into);
    const offset = this.header.places.get(name)!.offset + 4 * start;
    for (let done = 0; done < bytes.length;) {
      const part = bytes.subarray(done, done + mostBytes);
      const { bytesRead } = await this.file.read(part, 0, part.length, offset + done);
      if (bytesRead === 0) throw new SphereFaceError(`${this.path} is cut off.`, { got: `no byte ${offset + done}` });
      done += bytesRead;
    }
  }
}
