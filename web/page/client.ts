// The worker as the page sees it: calls that give promises.
import workerAddress from './worker.ts?worker&url';
import type { CallName, Calls, FromWorker, ToWorker } from './protocol.js';

/** What accompanies a call. */
export interface CallOptions<Name extends CallName> {
  readonly onTold?: (what: Calls[Name]['tells']) => void;
  readonly signal?: AbortSignal;
}

interface Waiting {
  readonly gives: (value: unknown) => void;
  readonly fails: (error: Error) => void;
  readonly tells: ((value: never) => void) | undefined;
}

const waiting = new Map<number, Waiting>();
let calls = 0;

const worker = startWorker();
worker.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => {
  const call = waiting.get(data.id);
  if (call === undefined) return;
  switch (data.kind) {
    case 'tells':
      call.tells?.(data.value as never);
      return;
    case 'gives':
      waiting.delete(data.id);
      call.gives(data.value);
      return;
    case 'fails':
      waiting.delete(data.id);
      call.fails(new Error(data.message));
      return;
    default:
      data satisfies never;
  }
});
worker.addEventListener('error', ({ message }) => {
  for (const { fails } of waiting.values()) fails(new Error(`The worker has failed: ${message}`));
  waiting.clear();
});

/** Asks the worker for something. Rejects with the message that it fails with. */
export function ask<Name extends CallName>(
  call: Name,
  given: Calls[Name]['with'],
  { onTold, signal }: CallOptions<Name> = {},
): Promise<Calls[Name]['gives']> {
  const id = ++calls;
  signal?.addEventListener('abort', () => worker.postMessage({ id, call: 'stop' } satisfies ToWorker));
  return new Promise((gives, fails) => {
    waiting.set(id, { gives: gives as Waiting['gives'], fails, tells: onTold });
    worker.postMessage({ id, call, with: given });
  });
}

/** A worker by way of a blob: it then keeps the page's Content-Security-Policy, which one loaded by its own address would not have. */
function startWorker(): Worker {
  const address = JSON.stringify(new URL(workerAddress, document.baseURI).href);
  const script = URL.createObjectURL(new Blob([`import ${address};`], { type: 'text/javascript' }));
  return new Worker(script, { type: 'module' });
}
