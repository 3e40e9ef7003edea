// Which devices this machine can compute on, and which one a session takes.
import { SphereFaceError, messageOf } from '../common/errors.js';
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

/** What the backend says it was built with; a device listed here can still fail for want of a driver. */
export function availableDevices(backend: Backend): readonly Device[] {
  return allDevices.filter((device) => backend.providers.includes(device));
}
