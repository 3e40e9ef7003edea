// Whether a device computes in half precision: no interface of the runtime says so, a model of one product shows it.
import { cast, Graph, mul, serialize } from '../graph/index.js';
import { loadBackend, turnsOf } from './backend.js';
import { type Device, requireDevice } from './device.js';
import { float32, float32Data } from './tensors.js';

const known = new Map<Device, Promise<boolean>>();

/** Asked once a process. @throws DeviceError where the device is not there at all. */
export function hasFloat16(device: Device): Promise<boolean> {
  const asked = known.get(device) ?? tryProduct(device);
  known.set(device, asked);
  return asked;
}

async function tryProduct(device: Device): Promise<boolean> {
  const backend = await loadBackend();
  await requireDevice(device, backend);
  const graph = new Graph();
  const x = cast(graph.input('x', 'float32', [4]), 'float16');
  const model = serialize(graph, { outputs: { y: cast(mul(x, x), 'float32') } });
  // A provider without it says so only when it compiles the shader, at the first run, and on stderr unless told not to.
  const options = { executionProviders: [device], logSeverityLevel: 4 } as const;
  return turnsOf(backend).run(async () => {
    const session = await backend.ort.InferenceSession.create(model, options);
    try {
      const { y } = await session.run({ x: float32(Float32Array.of(1, 2, 3, 4), [4]) }, { logSeverityLevel: 4 });
      return float32Data(y).join() === '1,4,9,16';
    } catch {
      return false;
    } finally {
      await session.release();
    }
  });
}
