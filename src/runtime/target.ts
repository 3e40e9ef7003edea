// What graphs are emitted for on a device of this machine.
import type { Target } from '../graph/index.js';
import { blockOf, blockProbe } from './channel-blocks.js';
import type { Device } from './device.js';
import { Session } from './session.js';
import { float32, float32Data } from './tensors.js';

let block: Promise<Target['channelBlock']> | undefined;

/** The target for graphs that run here, on a device, and are not stored. */
export async function targetFor(device: Device): Promise<Target> {
  if (device !== 'cpu') return { device };
  block ??= probeBlock();
  const channelBlock = await block;
  return channelBlock === undefined ? { device } : { device, channelBlock };
}

/** `undefined` where the engine has no blocks, or none that are known. */
async function probeBlock(): Promise<Target['channelBlock']> {
  const { model, shape } = blockProbe();
  try {
    await using session = await Session.create(model, { device: 'cpu', threads: 1 });
    const { y } = await session.run({
      x: float32(
        Float32Array.from({ length: 32 }, (_, i) => i),
        shape,
      ),
    });
    return blockOf(float32Data(y));
  } catch {
    return undefined;
  }
}
