// Which devices this machine can compute on, and which one a session takes.
import type { InferenceSession } from 'onnxruntime-common';
import { SphereFaceError, UsageError, messageOf } from '../common/errors.js';
import { Graph, relu, serialize } from '../graph/index.js';
import { type Backend, turnsOf } from './backend.js';

/** A device a session can run on. `wasm` is the browser's (and any machine's) fallback. */
export type Device = 'cpu' | 'cuda' | 'webgpu' | 'wasm';

export const allDevices: readonly Device[] = ['cpu', 'cuda', 'webgpu', 'wasm'];

/** A device was asked for that this machine does not offer. */
export class DeviceError extends SphereFaceError {
  constructor(device: Device, available: readonly Device[], cause?: unknown) {
    super(`The device "${device}" cannot be used here.`, {
      got: cause === undefined ? undefined : messageOf(cause),
      expected: `one of the devices that are there: ${available.join(', ')}`,
      next: adviceFor(device),
      cause,
    });
  }
}

function adviceFor(device: Device): string {
  switch (device) {
    case 'cuda':
      return "install an NVIDIA driver with CUDA 12 or later, and onnxruntime-node with its CUDA libraries (npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12), or use `device: 'cpu'`";
    case 'webgpu':
      return "install a Vulkan driver, or use `device: 'cpu'` (in a browser: one with WebGPU, or `device: 'wasm'`)";
    case 'cpu':
    case 'wasm':
      return 'use another device';
  }
}

/** What the backend says it was built with; a device listed here can still fail for want of a driver: see {@link workingDevices}. */
export function availableDevices(backend: Backend): readonly Device[] {
  return allDevices.filter((device) => backend.providers.includes(device));
}

/** The devices that really take a session: each is tried with a model of one operator. */
export async function workingDevices(backend: Backend): Promise<readonly Device[]> {
  const working: Device[] = [];
  for (const device of availableDevices(backend)) {
    if ((await probe(device, backend)) === undefined) working.push(device);
  }
  return working;
}

/**
 * Makes sure that a session on `device` will run there. The runtimes drop a device that they do not know, or that does not answer, and
 * take another without a word that reaches the program.
 * @param device also checked to be one: JavaScript hands over any text
 * @throws UsageError for a name that is none of {@link allDevices}
 * @throws DeviceError when it is not there; the message lists those that are
 */
export async function requireDevice(device: Device, backend: Backend): Promise<void> {
  if (!allDevices.includes(device)) {
    throw new UsageError(`There is no device "${String(device)}".`, { expected: `one of ${allDevices.join(', ')}` });
  }
  if (!availableDevices(backend).includes(device)) throw new DeviceError(device, await workingDevices(backend));
  const failure = await probe(device, backend);
  if (failure !== undefined) throw new DeviceError(device, await workingDevices(backend), failure.cause);
}

/** Why a device does not work. */
interface Failure {
  readonly cause: unknown;
}

const probed = new WeakMap<Backend, Map<Device, Promise<Failure | undefined>>>();

/** Tries a device that is built in; `undefined` when it works. Each is tried once, also when it is asked for many times. */
function probe(device: Device, backend: Backend): Promise<Failure | undefined> {
  const results = probed.get(backend) ?? new Map<Device, Promise<Failure | undefined>>();
  probed.set(backend, results);
  const result =
    results.get(device) ??
    tryDevice(device, backend).then(
      () => undefined,
      (cause: unknown) => ({ cause }),
    );
  results.set(device, result);
  return result;
}

async function tryDevice(device: Device, backend: Backend): Promise<void> {
  switch (device) {
    case 'cpu':
    case 'wasm':
      return; // The engine itself.
    case 'webgpu':
      if (backend.name === 'onnxruntime-web') await requireAdapter();
      break;
    case 'cuda':
      break;
    default:
      device satisfies never;
  }
  const graph = new Graph();
  const model = serialize(graph, { outputs: { y: relu(graph.input('x', 'float32', [1])) } });
  const options: InferenceSession.SessionOptions = {
    executionProviders: [device],
    // Fails unless the device takes the operator: the CPU would compute it as well, and nothing would tell.
    extra: { session: { disable_cpu_ep_fallback: '1' } },
    logSeverityLevel: 4,
  };
  const session = await turnsOf(backend).run(() => backend.ort.InferenceSession.create(model, options));
  await session.release();
}

/** The parts of a browser's WebGPU that are asked here. */
interface Gpu {
  requestAdapter(): Promise<object | null>;
}

async function requireAdapter(): Promise<void> {
  const gpu = (globalThis as { navigator?: { gpu?: Gpu } }).navigator?.gpu;
  if (gpu === undefined) throw new SphereFaceError('this environment has no WebGPU (navigator.gpu)');
  if ((await gpu.requestAdapter()) === null) throw new SphereFaceError('WebGPU gives no adapter');
}
