// Writing embeddings as they come, in the form that the file's extension asks for: .npz, .npy or .parquet.
import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { extname } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { ZipWriter } from '@zip.js/zip.js';
import type { SchemaElement } from 'hyparquet';
import { ParquetWriter, fileWriter } from 'hyparquet-writer';
import { writeFileAtomic } from '../../common/atomic.js';
import { UsageError } from '../../common/errors.js';
import { writing } from '../../common/writing.js';
import { npyHeader, npyStrings } from './npy.js';

/** A file of embeddings being written. Nothing is at its path until `finish`. */
export interface EmbeddingsWriter {
  /** Adds a row per file: `rows` is float32 [files.length, width]. */
  append(files: readonly string[], rows: Float32Array): Promise<void>;
  finish(): Promise<void>;
  /** Gives up and removes what was written. */
  abort(): Promise<void>;
}

/** The extensions that {@link createEmbeddingsWriter} knows. */
export const embeddingsExtensions = ['.npz', '.npy', '.parquet'] as const;

/**
 * Starts a file of embeddings of `width` values.
 * - `.npz`: arrays `embeddings` float32 [n, width] and `files` (strings), uncompressed;
 * - `.npy`: the embeddings alone; the files, a line each, lie beside it in `<path>.files.txt`;
 * - `.parquet`: columns `file` (string) and `embedding` (list of float32).
 * @throws UsageError for another extension.
 */
export async function createEmbeddingsWriter(path: string, width: number): Promise<EmbeddingsWriter> {
  const extension = extname(path).toLowerCase();
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  switch (extension) {
    case '.npz':
      return new NpzWriter(path, temporary, width, await open(temporary, 'wx+'));
    case '.npy':
      return new NpyWriter(path, temporary, width, await open(temporary, 'wx+'));
    case '.parquet':
      return new ParquetEmbeddings(path, temporary, width);
    default:
      throw new UsageError('Embeddings cannot be written in this form.', {
        got: path,
        expected: `a file name ending in ${embeddingsExtensions.join(', ')}`,
      });
  }
}

/** Rows go into a temporary .npy file whose header is written last, when their number is known. */
class NpyWriter implements EmbeddingsWriter {
  protected readonly files: string[] = [];

  constructor(
    protected readonly path: string,
    protected readonly temporary: string,
    private readonly width: number,
    private readonly handle: FileHandle,
  ) {}

  async append(files: readonly string[], rows: Float32Array): Promise<void> {
    const offset = npyHeader('<f4', [0, this.width]).length + this.files.length * this.width * 4;
    const bytes = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
    await writing(this.path, () => this.handle.write(bytes, 0, bytes.length, offset));
    this.files.push(...files);
  }

  async finish(): Promise<void> {
    await this.closeArray();
    await writeFileAtomic(`${this.path}.files.txt`, this.files.map((file) => `${file}\n`).join(''));
    await rename(this.temporary, this.path);
  }

  async abort(): Promise<void> {
    await this.handle.close().catch(() => undefined);
    await rm(this.temporary, { force: true });
  }

  protected async closeArray(): Promise<void> {
    const header = npyHeader('<f4', [this.files.length, this.width]);
    await this.handle.write(header, 0, header.length, 0);
    await this.handle.sync();
    await this.handle.close();
  }
}

/** An .npz is a zip of .npy files. */
class NpzWriter extends NpyWriter {
  override async finish(): Promise<void> {
    await this.closeArray();
    const packed = `${this.temporary}.npz`;
    try {
      const zip = new ZipWriter(Writable.toWeb(createWriteStream(packed, { flags: 'wx' })), { level: 0 });
      const array = Readable.toWeb(createReadStream(this.temporary)) as ReadableStream<Uint8Array>;
      await zip.add('embeddings.npy', array);
      await zip.add('files.npy', Readable.toWeb(Readable.from([npyStrings(this.files)])) as ReadableStream<Uint8Array>);
      await zip.close();
      await rename(packed, this.path);
    } finally {
      await rm(packed, { force: true });
      await rm(this.temporary, { force: true });
    }
  }
}

/** Rows per row group: 2 MiB of 512 floats. */
const rowGroup = 1024;

class ParquetEmbeddings implements EmbeddingsWriter {
  private readonly writer: ParquetWriter;
  private readonly files: string[] = [];
  private readonly rows: number[][] = [];

  constructor(
    private readonly path: string,
    private readonly temporary: string,
    private readonly width: number,
  ) {
    const schema: SchemaElement[] = [
      { name: 'root', num_children: 2 },
      { name: 'file', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' },
      { name: 'embedding', converted_type: 'LIST', num_children: 1, repetition_type: 'REQUIRED' },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      { name: 'element', type: 'FLOAT', repetition_type: 'REQUIRED' },
    ];
    this.writer = new ParquetWriter({ writer: fileWriter(temporary), schema, createdBy: 'sphereface-plus' });
  }

  async append(files: readonly string[], rows: Float32Array): Promise<void> {
    this.files.push(...files);
    for (let row = 0; row < files.length; row++) {
      this.rows.push([...rows.subarray(row * this.width, (row + 1) * this.width)]);
    }
    if (this.files.length >= rowGroup) await this.flush();
  }

  async finish(): Promise<void> {
    await this.flush();
    await this.writer.finish();
    await rename(this.temporary, this.path);
  }

  async abort(): Promise<void> {
    await rm(this.temporary, { force: true });
  }

  private async flush(): Promise<void> {
    const columnData = [
      { name: 'file', data: this.files.splice(0) },
      { name: 'embedding', data: this.rows.splice(0), encoding: 'PLAIN' as const },
    ];
    if (columnData[0]!.data.length > 0) await this.writer.write({ columnData, rowGroupSize: rowGroup });
  }
}
