// Which devices this machine can compute on, and which one a session takes.
import { SphereFaceError, messageOf } from '../common/errors.js';
import { Graph, relu, serialize } from '../graph/index.js';
import type { Backend } from './backend.js';

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
      return 'install an NVIDIA driver with CUDA 12 or later, and onnxruntime-node with its CUDA libraries (npm rebuild onnxruntime-node --onnxruntime-node-install=cuda12), or use --device cpu';
    case 'webgpu':
      return 'install a Vulkan driver (in a browser: one with WebGPU), or use --device cpu';
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
  const graph = new Graph();
  const model = serialize(graph, { outputs: { y: relu(graph.input('x', 'float32', [1])) } });
  const working: Device[] = [];
  for (const device of availableDevices(backend)) {
    try {
      const session = await backend.ort.InferenceSession.create(model, {
        executionProviders: [device],
        logSeverityLevel: 4,
      });
      await session.release();
      working.push(device);
    } catch {
      // Not there: that is the answer.
    }
  }
  return working;
}
