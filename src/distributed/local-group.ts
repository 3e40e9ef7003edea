// A group whose members live in one process, for tests: what is computed by several ranks, without a launcher and a library.
import { SphereFaceError } from '../common/errors.js';
import type { Communicator } from './communicator.js';
import { Group } from './group.js';
import type { Extents, Transport } from './transport.js';

/** What one member brings to a call. */
interface Call {
  readonly kind: 'exchange' | 'gather' | 'broadcast' | 'barrier';
  readonly rank: number;
  readonly send: Uint8Array;
  readonly sent: Extents;
  readonly receive: Uint8Array;
  readonly received: Extents;
}

/** `size` communicators over one group. Every one is to be used by work of its own, all of it under way at the same time. */
export function localGroup(size: number): Communicator[] {
  const table = new Table(size);
  return Array.from({ length: size }, (_, rank) => new Group(new LocalTransport(rank, size, table)));
}

const nothing = new Uint8Array(0);
const nowhere: Extents = { counts: [], offsets: [] };

/** Where the members' n-th calls meet. The last to come copies for all, so that no one changes a buffer that another still reads. */
class Table {
  private readonly meetings = new Map<number, { calls: Call[]; done: Deferred<void> }>();

  constructor(private readonly size: number) {}

  meet(turn: number, call: Call, copy: (from: Call, to: Call) => void): Promise<void> {
    const meeting = this.meetings.get(turn) ?? { calls: [], done: deferred() };
    this.meetings.set(turn, meeting);
    meeting.calls.push(call);
    if (meeting.calls.length < this.size) return meeting.done.promise;
    this.meetings.delete(turn);
    const kinds = new Set(meeting.calls.map(({ kind }) => kind));
    if (kinds.size > 1) {
      const error = new SphereFaceError('The members of a group made different calls.', { got: [...kinds].join(', ') });
      meeting.done.reject(error);
    } else {
      for (const from of meeting.calls) for (const to of meeting.calls) if (from !== to) copy(from, to);
      meeting.done.resolve();
    }
    return meeting.done.promise;
  }
}

function deferred(): Deferred<void> {
  let [resolve, reject]: [() => void, (error: unknown) => void] = [() => undefined, () => undefined];
  const promise = new Promise<void>((onResolve, onReject) => {
    [resolve, reject] = [onResolve, onReject];
  });
  return { promise, resolve, reject };
}

interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class LocalTransport implements Transport {
  readonly hosts: readonly string[];
  readonly description = 'members of one process';
  private turn = 0;

  constructor(
    readonly rank: number,
    readonly size: number,
    private readonly table: Table,
  ) {
    this.hosts = Array.from({ length: size }, () => 'here');
  }

  exchange(send: Uint8Array, sent: Extents, receive: Uint8Array, received: Extents): Promise<void> {
    return this.meet({ kind: 'exchange', send, sent, receive, received }, (from, to) => {
      const start = from.sent.offsets[to.rank];
      const part = from.send.subarray(start, start + from.sent.counts[to.rank]);
      to.receive.set(part, to.received.offsets[from.rank]);
    });
  }

  gather(data: Uint8Array, parts: Extents): Promise<void> {
    return this.meet({ kind: 'gather', send: data, sent: parts, receive: data, received: parts }, (from, to) => {
      const start = parts.offsets[from.rank];
      to.receive.set(from.send.subarray(start, start + parts.counts[from.rank]), start);
    });
  }

  broadcast(data: Uint8Array, root: number): Promise<void> {
    return this.meet({ kind: 'broadcast', send: data, receive: data }, (from, to) => {
      if (from.rank === root) to.receive.set(from.send);
    });
  }

  barrier(): Promise<void> {
    return this.meet({ kind: 'barrier' }, () => undefined);
  }

  leave(): Promise<void> {
    return Promise.resolve();
  }

  abort(exitStatus: number): never {
    throw new SphereFaceError('A member of the group ended it.', { got: `exit status ${exitStatus}` });
  }

  private meet(call: Pick<Call, 'kind'> & Partial<Call>, copy: (from: Call, to: Call) => void): Promise<void> {
    const whole = { send: nothing, sent: nowhere, receive: nothing, received: nowhere, ...call, rank: this.rank };
    return this.table.meet(this.turn++, whole, copy);
  }
}
