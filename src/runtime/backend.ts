// The engine behind the sessions: onnxruntime-node under Node, or one that is given, as onnxruntime-web is in a browser, behind one interface.
import type * as Ort from 'onnxruntime-common';
import { SphereFaceError } from '../common/errors.js';
import { Queue } from '../common/queue.js';
import { EngineError } from './engine-error.js';

export interface Backend {
  readonly ort: Pick<typeof Ort, 'InferenceSession' | 'Tensor'>;
  readonly name: 'onnxruntime-node' | 'onnxruntime-web';
  /** Execution providers it was built with, by the runtime's names. */
  readonly providers: readonly string[];
}

let loaded: Promise<Backend> | undefined;

/**
 * The backend of this environment, loaded once: onnxruntime-node under Node. Elsewhere {@link useBackend} has to give one first.
 * @throws {@link EngineError} when it cannot be loaded.
 */
export function loadBackend(): Promise<Backend> {
  loaded ??= typeof process !== 'undefined' && process.versions?.node !== undefined ? loadNode() : noEngine();
  return loaded;
}

/** A variable, so that bundlers for browsers do not follow it into native code. */
const nodeEngine: string = 'onnxruntime-node';

async function loadNode(): Promise<Backend> {
  // From 1.29 on the engine tells its makers about the machine and each session unless this is set before it is loaded: faces are
  // nobody's business. Who sets it to 0 has chosen so. A worker thread cannot set it: its environment is a copy.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  const loading = import(/* @vite-ignore */ nodeEngine) as Promise<typeof import('onnxruntime-node')>;
  const ort = await loading.catch((error: unknown) => {
    throw new EngineError(error, `${process.platform}/${process.arch}`);
  });
  // What fails is thrown as well; the runtime's own lines on stderr would say it twice.
  ort.env.logLevel = 'fatal';
  const providers = ort.listSupportedBackends().map((backend) => backend.name);
  return { ort, name: 'onnxruntime-node', providers };
}

function noEngine(): Promise<never> {
  return Promise.reject(
    new SphereFaceError('There is no engine to compute with.', {
      expected: 'outside of Node, an engine that was started first',
      next: 'await startEngine() of sphereface-plus/web',
    }),
  );
}

/** Uses a backend that the caller has loaded, as browsers must. Call it before the first session. */
export function useBackend(backend: Backend): void {
  loaded = Promise.resolve(backend);
}

const webTurns = new Queue();

/**
 * Where a new session's work takes its turns. onnxruntime-web on WebGPU refuses to create or run a session while another one is under
 * way, so all of them stand in one line there.
 */
export function turnsOf(backend: Backend): Queue {
  return backend.name === 'onnxruntime-web' ? webTurns : new Queue();
}
