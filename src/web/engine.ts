// The engine of the browser: onnxruntime-web, on WebGPU where there is an adapter, on WebAssembly elsewhere.
import { messageOf, SphereFaceError } from '../common/browser.js';
import { Graph, relu, serialize } from '../graph/index.js';
import { type Backend, type Device, float32, Session, useBackend } from '../runtime/index.js';

/** Where to compute: `auto` is WebGPU where the browser gives an adapter, and WebAssembly where it does not. */
export type WebDevice = 'auto' | 'webgpu' | 'wasm';

export interface EngineOptions {
  /** Default `auto`. */
  readonly device?: WebDevice;
  /**
   * Threads on WebAssembly. Default: one for each of four cores at most on a page that is cross-origin isolated, else one: browsers share
   * memory between threads on such pages only.
   */
  readonly threads?: number;
  /**
   * The folder that the engine's `.wasm` files lie in. Needed only with bundlers that do not copy files named by
   * `new URL('…', import.meta.url)`, as esbuild; Vite and webpack do.
   */
  readonly wasmFolder?: string | URL;
}

/** The engine that computes from now on. */
export interface Engine {
  readonly device: Device;
  /** Which one, where and why, in words. */
  readonly description: string;
}

/** More threads than this are no faster on the networks here. */
const mostThreads = 4;

let started: Promise<Engine> | undefined;

/** Where to compute unless something else is said: on the device of the engine that was started. */
export async function deviceOf(device: Device | undefined): Promise<{ readonly device?: Device }> {
  const chosen = device ?? (await started)?.device;
  return chosen === undefined ? {} : { device: chosen };
}

/**
 * Loads the engine: before the first model, detector or training of a page or worker, each of which has its own. It is loaded once; later
 * calls give the first one's.
 * @throws SphereFaceError when it cannot be loaded, or WebGPU is asked for and not there.
 */
export function startEngine(options: EngineOptions = {}): Promise<Engine> {
  started ??= load(options).catch((error: unknown) => {
    started = undefined;
    throw error;
  });
  return started;
}

async function load({ device = 'auto', threads, wasmFolder }: EngineOptions): Promise<Engine> {
  const gpu = device === 'wasm' ? false : await hasAdapter();
  if (device === 'webgpu' && !gpu) {
    throw new SphereFaceError('This browser gives no WebGPU adapter.', {
      next: "use a browser with WebGPU on a page served over HTTPS, or `device: 'wasm'`",
    });
  }
  const chosen = gpu ? 'webgpu' : 'wasm';
  const ort = await (chosen === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm')).catch(
    (cause: unknown) => {
      throw new SphereFaceError('The engine, onnxruntime-web, cannot be loaded.', {
        got: messageOf(cause),
        next: 'install it beside this package (npm install onnxruntime-web) and bundle the page again',
        cause,
      });
    },
  );
  const { isolated, cores } = surroundings();
  const workers = threads ?? (isolated ? Math.min(cores, mostThreads) : 1);
  ort.env.logLevel = 'error';
  ort.env.wasm.numThreads = workers;
  if (wasmFolder !== undefined)
    ort.env.wasm.wasmPaths = new URL(`${String(wasmFolder).replace(/\/$/, '')}/`, baseOf()).href;
  useBackend({ ort: ort as unknown as Backend['ort'], name: 'onnxruntime-web', providers: ['wasm', 'webgpu'] });
  await warmUp(chosen);
  const reason = device !== 'auto' ? 'as asked for' : gpu ? 'an adapter is there' : 'no WebGPU adapter';
  const description = `${chosen} (onnxruntime-web, ${reason}, ${workers} ${workers === 1 ? 'thread' : 'threads'})`;
  return { device: chosen, description };
}

/** Computes something, so that all of the engine is fetched now: from here on no network is needed. */
async function warmUp(device: Device): Promise<void> {
  const graph = new Graph();
  const model = serialize(graph, { outputs: { y: relu(graph.input('x', 'float32', [1])) } });
  await using session = await Session.create(model, { device });
  await session.run({ x: float32(Float32Array.of(1), [1]) });
}

/** What is asked of the browser here. */
interface Surroundings {
  readonly crossOriginIsolated?: boolean;
  readonly location?: { readonly href: string };
  readonly navigator?: {
    readonly hardwareConcurrency?: number;
    readonly gpu?: { requestAdapter(): Promise<object | null> };
  };
}

function surroundings(): { readonly isolated: boolean; readonly cores: number } {
  const { crossOriginIsolated = false, navigator } = globalThis as Surroundings;
  return { isolated: crossOriginIsolated, cores: navigator?.hardwareConcurrency ?? 1 };
}

/** What a relative address starts from: the page's or the worker's own. */
function baseOf(): string | undefined {
  return (globalThis as Surroundings).location?.href;
}

async function hasAdapter(): Promise<boolean> {
  const { gpu } = (globalThis as Surroundings).navigator ?? {};
  return gpu !== undefined && (await gpu.requestAdapter().catch(() => null)) !== null;
}
