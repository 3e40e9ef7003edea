// MPI as a transport. Its calls return at once and are asked for their end from the event loop, which so goes on: a call that waits would
// hold up the process, and one in another thread would keep a processor busy that the engine needs.
import { setTimeout as pause } from 'node:timers/promises';
import { SphereFaceError } from '../../common/errors.js';
import type { Launch } from '../launcher.js';
import { consecutive, type Extents, type Transport } from '../transport.js';
import { MpiCalls, type Parts, type Request } from './calls.js';
import { libraryVariable, loadLibrary } from './library.js';

/** Milliseconds in which the end of a call is asked for without a pause: most come soon, and a pause takes a millisecond. */
const eagerTime = 3;

/** Milliseconds for which a rank moves on what others still wait for, when it has nothing to wait for itself. */
const farewellTime = 200;

/** Joins the group that the launcher has started. @throws SphereFaceError when the library is missing, or is not the launcher's. */
export async function joinMpi(launch: Launch): Promise<Transport> {
  const { koffi, library, path } = await loadLibrary(launch);
  const calls = new MpiCalls(koffi, library, path);
  const description = nameOf(calls.libraryVersion());
  calls.init();
  const [rank, size] = [calls.rank(), calls.size()];
  if (size !== launch.size) {
    throw new SphereFaceError('The MPI library is not that of the launcher.', {
      got: `${description} (${path}), which knows of ${size} process${size === 1 ? '' : 'es'}`,
      expected: `the library of the launcher, ${launch.launcher}, which started ${launch.size}`,
      next: `start with the mpirun of ${description}, or name the launcher's library: ${libraryVariable}=/…/libmpi.so`,
    });
  }
  const own = new TextEncoder().encode(calls.host());
  const lengths = new Int32Array(size);
  lengths[rank] = own.length;
  await ended(calls, calls.gather(bytesOf(lengths), partsOf(consecutive(Array.from(lengths, () => 4)))));
  const names = consecutive([...lengths]);
  const text = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  text.set(own, names.offsets[rank]);
  await ended(calls, calls.gather(text, partsOf(names)));
  const hosts = names.offsets.map((start, other) =>
    new TextDecoder().decode(text.subarray(start, start + lengths[other])),
  );
  return new MpiTransport(rank, size, hosts, description, calls);
}

class MpiTransport implements Transport {
  constructor(
    readonly rank: number,
    readonly size: number,
    readonly hosts: readonly string[],
    readonly description: string,
    private readonly calls: MpiCalls,
  ) {}

  exchange(send: Uint8Array, sent: Extents, receive: Uint8Array, received: Extents): Promise<void> {
    return ended(this.calls, this.calls.exchange(send, partsOf(sent), receive, partsOf(received)));
  }

  gather(data: Uint8Array, parts: Extents): Promise<void> {
    return ended(this.calls, this.calls.gather(data, partsOf(parts)));
  }

  broadcast(data: Uint8Array, root: number): Promise<void> {
    return ended(this.calls, this.calls.broadcast(data, root));
  }

  barrier(): Promise<void> {
    return ended(this.calls, this.calls.barrier());
  }

  abort(exitStatus: number): never {
    this.calls.abort(exitStatus);
    process.exit(exitStatus);
  }

  async leave(): Promise<void> {
    await this.barrier();
    // The barrier is over here, and its last message to another rank may still be on its way; MPI_Finalize of Open MPI 4.1 was seen to
    // leave it there on an overloaded machine, and the other rank waiting.
    for (const until = performance.now() + farewellTime; performance.now() < until; await pause(1))
      this.calls.progress();
    this.calls.finalize();
  }
}

async function ended(calls: MpiCalls, request: Request): Promise<void> {
  const eager = performance.now() + eagerTime;
  while (!calls.test(request)) {
    if (performance.now() < eager) await new Promise((resolve) => setImmediate(resolve));
    else await pause(1);
  }
}

/** MPI counts bytes in 32 bits. */
function partsOf({ counts, offsets }: Extents): Parts {
  const end = offsets.reduce((furthest, offset, rank) => Math.max(furthest, offset + counts[rank]), 0);
  if (end >= 2 ** 31) {
    throw new SphereFaceError('One exchange between processes is too large.', {
      got: `${end} bytes`,
      expected: 'less than 2 GiB',
      next: 'exchange it in parts',
    });
  }
  return { counts: Int32Array.from(counts), offsets: Int32Array.from(offsets) };
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** `Open MPI 4.1.4`, `MPICH 4.0.2`, `Intel MPI 2021.13`, out of what the library says at length. */
export function nameOf(version: string): string {
  const patterns: readonly (readonly [RegExp, string])[] = [
    [/Open MPI v(\d[\w.]*)/, 'Open MPI'],
    [/Intel\(R\) MPI Library (\d[\w.]*)/, 'Intel MPI'],
    [/MPICH Version:\s*(\d[\w.]*)/, 'MPICH'],
  ];
  for (const [pattern, name] of patterns) {
    const match = pattern.exec(version);
    if (match !== null) return `${name} ${match[1]}`;
  }
  return version.split('\n')[0].trim();
}
