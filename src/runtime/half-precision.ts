// Whether a device computes in half precision: no interface of the runtime says so, a model of one product shows it.
import { cast, Graph, mul, serialize } from '../graph/index.js';
import type { Device } from './device.js';
import { Session } from './session.js';
import { float32, float32Data } from './tensors.js';

const known = new Map<Device, Promise<boolean>>();

/** Asked once a process. A device that is not there at all is an error of its own: see {@link Session.create}. */
export function hasFloat16(device: Device): Promise<boolean> {
  const asked = known.get(device) ?? tryProduct(device);
  known.set(device, asked);
  return asked;
}

async function tryProduct(device: Device): Promise<boolean> {
  const graph = new Graph();
  const x = cast(graph.input('x', 'float32', [4]), 'float16');
  const model = serialize(graph, { outputs: { y: cast(mul(x, x), 'float32') } });
  await using session = await Session.create(model, { device });
  try {
    const { y } = await session.run({ x: float32(Float32Array.of(1, 2, 3, 4), [4]) });
    return float32Data(y).join() === '1,4,9,16';
  } catch {
    return false; // The provider says so only when it compiles the shader, at the first run.
  }
}
