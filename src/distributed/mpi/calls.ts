// The few functions of MPI that are called, for both of the binary interfaces there are: Open MPI's handles are addresses of symbols, those
// of MPICH and Intel MPI are numbers.
import type { LibraryHandle } from 'koffi';
import { SphereFaceError } from '../../common/errors.js';
import { type Koffi, libraryVariable } from './library.js';

/** A call under way, and the memory that it uses. */
export interface Request {
  readonly handle: Uint8Array;
  readonly held: readonly object[];
}

/** How a library represents what it hands out. */
interface Abi {
  readonly handleType: 'void *' | 'int';
  readonly world: bigint | number;
  readonly byte: bigint | number;
  readonly inPlace: bigint;
  readonly statusIgnore: bigint;
  readonly anySource: number;
}

function abiOf(library: LibraryHandle, path: string): Abi {
  const symbol = (name: string): bigint | undefined => {
    try {
      return library.symbol(name) as bigint;
    } catch {
      return undefined;
    }
  };
  const [world, byte] = [symbol('ompi_mpi_comm_world'), symbol('ompi_mpi_byte')];
  if (world !== undefined && byte !== undefined) {
    return { handleType: 'void *', world, byte, inPlace: 1n, statusIgnore: 0n, anySource: -1 };
  }
  if (symbol('MPI_Init_thread') !== undefined) {
    // The MPICH ABI initiative of 2013, which MPICH 3.1 and later, Intel MPI and others keep.
    return { handleType: 'int', world: 0x44000000, byte: 0x4c00010d, inPlace: -1n, statusIgnore: 1n, anySource: -2 };
  }
  throw new SphereFaceError(`${path} is no MPI library.`, {
    got: 'a library without MPI_Init_thread',
    expected: 'Open MPI, MPICH or Intel MPI',
    next: `name another one with ${libraryVariable}`,
  });
}

const threadFunneled = 1;
/** More than any library's MPI_MAX_LIBRARY_VERSION_STRING and MPI_MAX_PROCESSOR_NAME. */
const textBytes = 8192;

type Call = (...args: readonly unknown[]) => number;

/** MPI, as far as it is used. Every call is made from the one thread that made `init`. */
export class MpiCalls {
  private readonly abi: Abi;
  private readonly declared = new Map<string, Call>();

  constructor(
    private readonly koffi: Koffi,
    private readonly library: LibraryHandle,
    path: string,
  ) {
    this.abi = abiOf(library, path);
  }

  init(): void {
    this.call(
      'MPI_Init_thread',
      ['void *', 'void *', 'int', 'void *'],
      [null, null, threadFunneled, new Int32Array(1)],
    );
  }

  rank(): number {
    return this.integer('MPI_Comm_rank');
  }

  size(): number {
    return this.integer('MPI_Comm_size');
  }

  /** As the library describes itself, often in several lines. */
  libraryVersion(): string {
    return this.text('MPI_Get_library_version');
  }

  host(): string {
    return this.text('MPI_Get_processor_name');
  }

  exchange(send: Uint8Array, sent: Parts, receive: Uint8Array, received: Parts): Request {
    const { byte, world } = this.abi;
    const [toSend, toReceive] = [this.address(send), this.address(receive)];
    return this.begin(
      'MPI_Ialltoallv',
      [...bufferOfParts(this.abi), ...bufferOfParts(this.abi), this.abi.handleType],
      [toSend, sent.counts, sent.offsets, byte, toReceive, received.counts, received.offsets, byte, world],
      [send, sent.counts, sent.offsets, receive, received.counts, received.offsets],
    );
  }

  gather(data: Uint8Array, { counts, offsets }: Parts): Request {
    const { byte, world, handleType, inPlace } = this.abi;
    return this.begin(
      'MPI_Iallgatherv',
      ['void *', 'int', handleType, ...bufferOfParts(this.abi), handleType],
      [inPlace, 0, byte, this.address(data), counts, offsets, byte, world],
      [data, counts, offsets],
    );
  }

  broadcast(data: Uint8Array, root: number): Request {
    const { byte, world, handleType } = this.abi;
    return this.begin(
      'MPI_Ibcast',
      ['void *', 'int', handleType, 'int', handleType],
      [this.address(data), data.length, byte, root, world],
      [data],
    );
  }

  barrier(): Request {
    return this.begin('MPI_Ibarrier', [this.abi.handleType], [this.abi.world], []);
  }

  /** Whether a request has ended; asking also moves everything that is under way. */
  test({ handle }: Request): boolean {
    const flag = new Int32Array(1);
    this.call('MPI_Test', ['void *', 'void *', 'void *'], [handle, flag, this.abi.statusIgnore]);
    return flag[0] !== 0;
  }

  /** Moves what is still on its way out of here. No message is ever found: there are collective calls only. */
  progress(): void {
    const { anySource, world, statusIgnore, handleType } = this.abi;
    const anyTag = -1;
    const types = ['int', 'int', handleType, 'void *', 'void *'];
    this.call('MPI_Iprobe', types, [anySource, anyTag, world, new Int32Array(1), statusIgnore]);
  }

  abort(exitStatus: number): void {
    this.call('MPI_Abort', [this.abi.handleType, 'int'], [this.abi.world, exitStatus]);
  }

  finalize(): void {
    this.call('MPI_Finalize', [], []);
  }

  private begin(name: string, types: readonly string[], args: readonly unknown[], held: readonly object[]): Request {
    const request = { handle: new Uint8Array(8), held };
    this.call(name, [...types, 'void *'], [...args, request.handle]);
    return request;
  }

  /** The address of a buffer's bytes, which stays while the buffer is held. */
  private address(data: Uint8Array): bigint {
    return data.length === 0 ? 0n : this.koffi.address(data);
  }

  private integer(name: string): number {
    const result = new Int32Array(1);
    this.call(name, [this.abi.handleType, 'void *'], [this.abi.world, result]);
    return result[0];
  }

  private text(name: string): string {
    const [bytes, length] = [new Uint8Array(textBytes), new Int32Array(1)];
    this.call(name, ['void *', 'void *'], [bytes, length]);
    return new TextDecoder().decode(bytes.subarray(0, length[0])).replace(/\0.*$/s, '');
  }

  private call(name: string, types: readonly string[], args: readonly unknown[]): void {
    const call = this.declared.get(name) ?? (this.library.func(name, 'int', [...types]) as Call);
    this.declared.set(name, call);
    const code = call(...args);
    // The library's own handler ends the job on most errors, with its message.
    if (code !== 0) throw new SphereFaceError(`${name} failed.`, { got: `error ${code} of the MPI library` });
  }
}

/** Lengths and places in bytes, as MPI takes them. */
export interface Parts {
  readonly counts: Int32Array;
  readonly offsets: Int32Array;
}

function bufferOfParts({ handleType }: Abi): string[] {
  return ['void *', 'void *', 'void *', handleType];
}
