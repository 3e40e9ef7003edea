// Whether tests can compute in half precision on a device here.
import { hasFloat16 } from '../runtime/index.js';
import { webgpuWorks } from './devices.js';

/** Whether the adapter computes in half precision: SwiftShader does not. */
export const float16Works: boolean = webgpuWorks && (await hasFloat16('webgpu'));

/** Title suffix of a suite that needs half precision, which says why it is skipped. */
export const float16Title: string = float16Works
  ? 'on webgpu in half precision'
  : 'on webgpu in half precision (skipped: no adapter whose shaders have float16)';
