// The engine behind the sessions: onnxruntime-node under Node, onnxruntime-web in a browser, behind one interface.
import type * as Ort from 'onnxruntime-common';
import { Queue } from '../common/queue.js';
import { EngineError } from './engine-error.js';

export interface Backend {
  readonly ort: Pick<typeof Ort, 'InferenceSession' | 'Tensor'>;
  readonly name: 'onnxruntime-node' | 'onnxruntime-web';
  /** Execution providers it was built with, by the runtime's names. */
  readonly providers: readonly string[];
}

let loaded: Promise<Backend> | undefined;

/** The backend of this environment, loaded once. @throws {@link EngineError} when it cannot be loaded. */
export function loadBackend(): Promise<Backend> {
  loaded ??= typeof process !== 'undefined' && process.versions?.node !== undefined ? loadNode() : loadWeb();
  return loaded;
}

async function loadNode(): Promise<Backend> {
  // From 1.29 on the engine tells its makers about the machine and each session unless this is set before it is loaded: faces are
  // nobody's business. Who sets it to 0 has chosen so. A worker thread cannot set it: its environment is a copy.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  const ort = await import('onnxruntime-node').catch((error: unknown) => {
    throw new EngineError(error, `${process.platform}/${process.arch}`);
  });
  // What fails is thrown as well; the runtime's own lines on stderr would say it twice.
  ort.env.logLevel = 'fatal';
  const providers = ort.listSupportedBackends().map((backend) => backend.name);
  return { ort, name: 'onnxruntime-node', providers };
}

/** A browser page provides onnxruntime-web itself (a bundler resolves it); it is no dependency of the Node package. */
async function loadWeb(): Promise<Backend> {
  const specifier = 'onnxruntime-web';
  const ort = (await import(/* webpackIgnore: false */ specifier)) as Backend['ort'];
  return { ort, name: 'onnxruntime-web', providers: ['wasm', 'webgpu'] };
}

/** Uses a backend the caller has loaded: for browsers without an import map. Call it before the first session. */
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
