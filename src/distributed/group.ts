// The communicator of several processes. Its sums are added here, in the order of the ranks: libraries promise no order, so that the same
// run could end in other bits tomorrow, or with another library.
import { SphereFaceError } from '../common/errors.js';
import { Queue } from '../common/queue.js';
import type { Communicator, Exchangeable, Reduction } from './communicator.js';
import { threadsPerProcess } from './launcher.js';
import { consecutive, equalCounts, evenCounts, type Extents, type Transport } from './transport.js';

type Floats = Float32Array | Float64Array;

/** Elements of a large array that are under way at once. It bounds the buffer that they arrive in. */
const chunkLength = 2 ** 20;
/** Fewer elements than this, over all ranks, go to everyone as they are: one exchange in place of two. */
const smallLength = 2 ** 12;
/** What one call of a library can count. */
const broadcastBytes = 2 ** 30;

export class Group implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly localRank: number;
  readonly localSize: number;
  readonly threads = threadsPerProcess();
  readonly hosts: readonly string[];
  readonly description: string;
  private readonly turns = new Queue();
  private left: Promise<void> | undefined;

  constructor(private readonly transport: Transport) {
    const { rank, size, hosts, description } = transport;
    this.rank = rank;
    this.size = size;
    this.hosts = hosts;
    this.description = description;
    const here = hosts.flatMap((host, other) => (host === hosts[rank] ? [other] : []));
    this.localRank = here.indexOf(rank);
    this.localSize = here.length;
  }

  allReduce(data: Floats, reduction: Reduction = 'sum'): Promise<void> {
    return this.turns.run(() =>
      data.length * this.size <= smallLength ? this.reduceSmall(data, reduction) : this.reduceLarge(data, reduction),
    );
  }

  reduceScatter(data: Float32Array, counts: readonly number[]): Promise<Float32Array> {
    this.requireCounts(counts, data.length);
    const { counts: lengths, offsets } = consecutive(counts);
    return this.turns.run(async () => {
      const own = new Float32Array(lengths[this.rank]);
      const rounds = Math.ceil((Math.max(...lengths) * this.size) / chunkLength);
      for (let round = 0; round < rounds; round++) {
        const bound = (rank: number, end: number) => Math.floor((lengths[rank] * end) / rounds);
        const parts = lengths.map((_, rank) => ({
          start: offsets[rank] + bound(rank, round),
          length: bound(rank, round + 1) - bound(rank, round),
        }));
        const received = await this.exchange(data, parts);
        const start = bound(this.rank, round);
        combine(own.subarray(start, start + parts[this.rank].length), received, 'sum');
      }
      return own;
    });
  }

  allGather<T extends Exchangeable>(data: T, counts: readonly number[]): Promise<T> {
    const parts = consecutive(counts);
    const total = counts.reduce((sum, count) => sum + count, 0);
    this.requireCounts(counts, total);
    if (data.length !== counts[this.rank]) {
      throw new SphereFaceError('A rank gives another number of elements than was said.', {
        got: `${data.length} from rank ${this.rank}`,
        expected: String(counts[this.rank]),
      });
    }
    return this.turns.run(async () => {
      const all = new (data.constructor as new (length: number) => T)(total);
      all.set(data as never, parts.offsets[this.rank]);
      await this.transport.gather(bytesOf(all), scaled(parts, all.BYTES_PER_ELEMENT));
      return all;
    });
  }

  broadcast(data: Exchangeable, root: number): Promise<void> {
    return this.turns.run(async () => {
      const bytes = bytesOf(data);
      for (let start = 0; start < bytes.length; start += broadcastBytes) {
        await this.transport.broadcast(bytes.subarray(start, start + broadcastBytes), root);
      }
    });
  }

  barrier(): Promise<void> {
    return this.turns.run(() => this.transport.barrier());
  }

  abort(exitStatus: number): never {
    return this.transport.abort(exitStatus);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.left ??= this.turns.run(() => this.transport.leave());
    return this.left;
  }

  private async reduceSmall(data: Floats, reduction: Reduction): Promise<void> {
    const parts = consecutive(equalCounts(this.size, data.length));
    const all = like(data, data.length * this.size);
    all.set(data, parts.offsets[this.rank]);
    await this.transport.gather(bytesOf(all), scaled(parts, data.BYTES_PER_ELEMENT));
    combine(
      data,
      parts.offsets.map((start) => all.subarray(start, start + data.length)),
      reduction,
    );
  }

  /** Each rank reduces its share of a chunk and hands it to all, while the next chunk is on its way. */
  private async reduceLarge(data: Floats, reduction: Reduction): Promise<void> {
    const sharesOf = (start: number) => {
      const chunk = data.subarray(start, start + chunkLength);
      const parts = consecutive(evenCounts(chunk.length, this.size));
      const places = parts.counts.map((length, rank) => ({ start: parts.offsets[rank], length }));
      return { chunk, parts, places, received: this.exchange(chunk, places) };
    };
    let next: ReturnType<typeof sharesOf> | undefined = sharesOf(0);
    const gathered: Promise<void>[] = [];
    for (let start = chunkLength; next !== undefined; start += chunkLength) {
      const { chunk, parts, places, received } = next;
      // Before anything is awaited, so that every rank begins its calls in this order.
      next = start < data.length ? sharesOf(start) : undefined;
      const own = places[this.rank];
      combine(chunk.subarray(own.start, own.start + own.length), await received, reduction);
      gathered.push(this.transport.gather(bytesOf(chunk), scaled(parts, data.BYTES_PER_ELEMENT)));
    }
    await Promise.all(gathered);
  }

  /** Gives each rank its place of `data`. Resolves to what all ranks have for this one, in their order; its own part is not copied. */
  private async exchange<T extends Floats>(
    data: T,
    places: readonly { start: number; length: number }[],
  ): Promise<T[]> {
    const { rank, size } = this;
    const own = places[rank];
    const others = (length: (other: number) => number) =>
      Array.from({ length: size }, (_, other) => (other === rank ? 0 : length(other)));
    const arriving = consecutive(others(() => own.length));
    const received = like(data, own.length * (size - 1));
    await this.transport.exchange(
      bytesOf(data),
      scaled(
        { counts: others((other) => places[other].length), offsets: places.map(({ start }) => start) },
        data.BYTES_PER_ELEMENT,
      ),
      bytesOf(received),
      scaled(arriving, data.BYTES_PER_ELEMENT),
    );
    return arriving.offsets.map((start, other) =>
      other === rank
        ? (data.subarray(own.start, own.start + own.length) as T)
        : (received.subarray(start, start + own.length) as T),
    );
  }

  private requireCounts(counts: readonly number[], total: number): void {
    if (counts.length === this.size && counts.reduce((sum, count) => sum + count, 0) === total) return;
    throw new SphereFaceError('The parts of the ranks do not make up the whole.', {
      got: `[${counts.join(', ')}]`,
      expected: `${this.size} lengths that add up to ${total}`,
    });
  }
}

function like<T extends Floats>(data: T, length: number): T {
  return new (data.constructor as new (length: number) => T)(length);
}

function bytesOf(data: Exchangeable): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function scaled({ counts, offsets }: Extents, bytes: number): Extents {
  return { counts: counts.map((count) => count * bytes), offsets: offsets.map((offset) => offset * bytes) };
}

/** The parts into one, element-wise, in the order of the ranks. `target` may be one of the parts. */
function combine(target: Floats, parts: readonly Floats[], reduction: Reduction): void {
  const [first, ...others] = parts;
  // In one pass for each further part, over blocks that stay in the cache; a part that is the target itself is read before it is written.
  const block = 2 ** 12;
  const held = like(target, Math.min(block, target.length));
  for (let start = 0; start < target.length; start += block) {
    const end = Math.min(start + block, target.length);
    held.set(first.subarray(start, end));
    for (const part of others) accumulate(held, part, start, end - start, reduction);
    target.set(held.subarray(0, end - start), start);
  }
}

function accumulate(held: Floats, part: Floats, start: number, length: number, reduction: Reduction): void {
  switch (reduction) {
    case 'sum':
      for (let i = 0; i < length; i++) held[i] += part[start + i];
      return;
    case 'max':
      for (let i = 0; i < length; i++) held[i] = Math.max(held[i], part[start + i]);
      return;
    case 'min':
      for (let i = 0; i < length; i++) held[i] = Math.min(held[i], part[start + i]);
      return;
    default:
      reduction satisfies never;
  }
}
