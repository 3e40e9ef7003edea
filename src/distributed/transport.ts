// What a group of processes must be able to do with bytes; everything else is arithmetic on this side (group.ts).

/** Where each rank's part lies in a buffer, in bytes. */
export interface Extents {
  readonly counts: readonly number[];
  readonly offsets: readonly number[];
}

/**
 * Moves bytes between the ranks of a group. Calls are collective and begin, on every rank, in the order in which they are made; later
 * ones may be made before earlier ones have ended. Buffers belong to the call until it has ended.
 */
export interface Transport {
  readonly rank: number;
  readonly size: number;
  /** The name of each rank's machine. */
  readonly hosts: readonly string[];
  readonly description: string;
  /** Sends each rank its part of `send` and receives one from each into its place in `receive`. */
  exchange(send: Uint8Array, sent: Extents, receive: Uint8Array, received: Extents): Promise<void>;
  /** Before, each rank's own part is in its place; after, all are. */
  gather(data: Uint8Array, parts: Extents): Promise<void>;
  broadcast(data: Uint8Array, root: number): Promise<void>;
  barrier(): Promise<void>;
  abort(exitStatus: number): never;
  /** Leaves the group, when every rank does. */
  leave(): Promise<void>;
}

/** Parts of these lengths, one after another. */
export function consecutive(counts: readonly number[]): Extents {
  let end = 0;
  return { counts, offsets: counts.map((count) => (end += count) - count) };
}

/** `count` elements of each of `size` ranks. */
export function equalCounts(size: number, count: number): number[] {
  return Array.from({ length: size }, () => count);
}

/** `total` elements in parts for `size` ranks, as equal as can be. */
export function evenCounts(total: number, size: number): number[] {
  return Array.from(
    { length: size },
    (_, rank) => Math.floor(((rank + 1) * total) / size) - Math.floor((rank * total) / size),
  );
}
