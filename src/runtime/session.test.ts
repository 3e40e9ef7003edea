// Sessions: results, memory of the caller, runs side by side, disposal, and devices that are there or not.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { SphereFaceError, UsageError } from '../common/errors.js';
import { add, conv2d, Graph, mul, relu, serialize } from '../graph/index.js';
import { webgpuTitle, webgpuWorks } from '../testing/devices.js';
import { requireDevice } from './device.js';
import {
  type Backend,
  type Device,
  DeviceError,
  float32,
  float32Data,
  float32Scalar,
  int64,
  loadBackend,
  Session,
  useBackend,
  workingDevices,
} from './index.js';

/** y = a + b, z = a · b. */
function model(): Uint8Array {
  const graph = new Graph();
  const [a, b] = ['a', 'b'].map((name) => graph.input(name, 'float32', [2]));
  return serialize(graph, { outputs: { y: add(a, b), z: mul(a, b) } });
}
const feeds = { a: float32(Float32Array.of(1, 2), [2]), b: float32(Float32Array.of(3, 4), [2]) };

describe('a session', () => {
  it('computes, and says which device it took and why', async () => {
    await using session = await Session.create(model());
    expect(session.device).toBe('cpu');
    expect(session.description).toBe('cpu (onnxruntime-node, the default here)');
    expect(session.inputNames).toEqual(['a', 'b']);
    expect(session.outputNames).toEqual(['y', 'z']);
    const { y, z } = await session.run(feeds);
    expect(Array.from(float32Data(y))).toEqual([4, 6]);
    expect(Array.from(float32Data(z))).toEqual([3, 8]);
    await using asked = await Session.create(model(), { device: 'cpu', threads: 1 });
    expect(asked.description).toBe('cpu (onnxruntime-node, as asked for)');
  });

  it('writes into the buffers the caller owns, and allocates the outputs not named', async () => {
    await using session = await Session.create(model());
    const buffer = new Float32Array(2);
    const own = float32(buffer, [2]);
    const results = await session.run(feeds, { y: own });
    expect(Array.from(buffer)).toEqual([4, 6]);
    expect(results.y).toBe(own);
    expect(Array.from(float32Data(results.z))).toEqual([3, 8]);
    await session.run({ ...feeds, a: float32(Float32Array.of(10, 20), [2]) }, { y: float32(buffer, [2]) });
    expect(Array.from(buffer)).toEqual([13, 24]);
  });

  it('releases its model once, whether disposed of twice or by `using`, and refuses to run afterwards', async () => {
    const session = await Session.create(model());
    await session.dispose();
    await session.dispose();
    await expect(session.run(feeds)).rejects.toThrow(/has been disposed of.*\n.*next: create a new one/);
    let escaped: Session;
    {
      await using scoped = await Session.create(model());
      escaped = scoped;
    }
    await expect(escaped.run(feeds)).rejects.toThrow(SphereFaceError);
  });

  it('gives runs side by side what it gives one after another', async () => {
    await using session = await Session.create(model());
    const feedsOf = (i: number) => ({ ...feeds, a: float32(Float32Array.of(i, 2 * i), [2]) });
    const buffers = Array.from({ length: 8 }, () => new Float32Array(2));
    const runs = buffers.map((buffer, i) => session.run(feedsOf(i), { y: float32(buffer, [2]) }));
    const results = await Promise.all(runs);
    for (const [i, { y, z }] of results.entries()) {
      expect(Array.from(float32Data(y))).toEqual([i + 3, 2 * i + 4]);
      expect(Array.from(float32Data(z))).toEqual([3 * i, 8 * i]);
      expect(float32Data(y)).toBe(buffers[i]);
    }
  });

  it('refuses a run into memory that another run is still writing, and takes it afterwards', async () => {
    await using session = await Session.create(model());
    const memory = new Float32Array(3);
    const [low, high] = [float32(memory.subarray(0, 2), [2]), float32(memory.subarray(1), [2])];
    const first = session.run(feeds, { y: low });
    await expect(session.run(feeds, { y: high })).rejects.toThrow(/write into the same memory[^]*await the first/);
    await first;
    await session.run(feeds, { y: high });
    expect(Array.from(memory)).toEqual([4, 4, 6]);
  });

  it('is disposed of after the runs that were asked for', async () => {
    const session = await Session.create(model());
    const runs = [session.run(feeds), session.run(feeds)];
    const disposal = session.dispose();
    await expect(session.run(feeds)).rejects.toThrow(/has been disposed of/);
    for (const { y } of await Promise.all(runs)) expect(Array.from(float32Data(y))).toEqual([4, 6]);
    await disposal;
  });

  it('says what is wrong with a model that it cannot take', async () => {
    await expect(Session.create(Uint8Array.of(1, 2, 3))).rejects.toThrow(
      /^The model could not be prepared for the device "cpu"\.\n {2}got: .+\n {2}expected: an ONNX model/,
    );
  });

  it('writes a complete profile when asked', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'profile-'));
    try {
      const session = await Session.create(model(), { profilePrefix: join(folder, 'run') });
      await session.run(feeds);
      await session.dispose();
      const [file] = readdirSync(folder);
      const events = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { args?: { op_name?: string } }[];
      expect(events.map((event) => event.args?.op_name)).toContain('Mul');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a device that is not there', async () => {
  const working = await workingDevices(await loadBackend());

  it('cpu always is', () => {
    expect(working).toContain('cpu');
  });

  it.each((['cuda', 'webgpu', 'wasm'] as const).filter((device) => !working.includes(device)))(
    '%s: the error names it, lists what is, and says what to do',
    async (device) => {
      const failure = await Session.create(model(), { device }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(DeviceError);
      const { message } = failure as DeviceError;
      expect(message).toContain(`The device "${device}" cannot be used here.`);
      expect(message).toContain(`expected: one of the devices that are there: ${working.join(', ')}\n`);
      expect(message).toMatch(/next: .*(install|use)/);
    },
  );

  it.each(['gpu', 'coreml', '', 'constructor'])('"%s" from JavaScript is refused, not replaced', async (device) => {
    const failure = await Session.create(model(), { device: device as Device }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect(String(failure)).toMatch(`There is no device "${device}".`);
    expect(String(failure)).toMatch(/expected: one of cpu, cuda, webgpu, wasm/);
  });
});

describe('onnxruntime-web where there is no WebGPU', async () => {
  const ort = (await import('onnxruntime-web')) as unknown as Backend['ort'];
  const web: Backend = { ort, name: 'onnxruntime-web', providers: ['wasm', 'webgpu'] };

  it('runs on WebAssembly and says so; a device that it would drop is an error', async () => {
    const node = await loadBackend();
    useBackend(web);
    try {
      await using session = await Session.create(model());
      expect(session.description).toBe('wasm (onnxruntime-web, the default here)');
      const runs = await Promise.all([session.run(feeds), session.run(feeds)]);
      for (const { y } of runs) expect(Array.from(float32Data(y))).toEqual([4, 6]);
      // The engine leaves preallocated outputs as they are.
      const into = { y: float32(new Float32Array(2), [2]) };
      expect((await session.run(feeds, into)).y).toBe(into.y);
      expect(Array.from(float32Data(into.y))).toEqual([4, 6]);
      for (const device of ['webgpu', 'cpu', 'cuda'] as const) {
        const failure = await Session.create(model(), { device }).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(DeviceError);
        expect(String(failure)).toMatch(/expected: one of the devices that are there: wasm\n/);
      }
    } finally {
      useBackend(node);
    }
  });

  it.each([
    ['an adapter that is null', { requestAdapter: () => Promise.resolve(null) }, /got: WebGPU gives no adapter/],
    ['no WebGPU', undefined, /got: this environment has no WebGPU/],
  ])('%s: says so', async (_, gpu, expected) => {
    vi.stubGlobal('navigator', { gpu });
    try {
      await expect(requireDevice('webgpu', { ...web })).rejects.toThrow(expected);
      expect(await workingDevices({ ...web })).toEqual(['wasm']);
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe.skipIf(!webgpuWorks)(webgpuTitle, () => {
  it('runs the convolution there and not on the CPU behind it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'profile-'));
    try {
      const graph = new Graph();
      const x = graph.input('x', 'float32', [1, 2, 4, 4]);
      const w = graph.constant(new Float32Array(2 * 2 * 9).fill(0.5), [2, 2, 3, 3]);
      const session = await Session.create(serialize(graph, { outputs: { y: relu(conv2d(x, w)) } }), {
        device: 'webgpu',
        profilePrefix: join(folder, 'run'),
      });
      expect(session.description).toBe('webgpu (onnxruntime-node, as asked for)');
      const { y } = await session.run({ x: float32(new Float32Array(32).fill(1), [1, 2, 4, 4]) });
      expect(Array.from(float32Data(y))).toEqual(new Array(8).fill(9));
      await session.dispose();
      const text = readFileSync(join(folder, readdirSync(folder)[0]), 'utf8');
      const nodes = (JSON.parse(text) as { args?: { op_name?: string; provider?: string } }[]).filter(
        ({ args }) => args?.op_name?.includes('Conv') && args.provider !== undefined,
      );
      expect(nodes.map(({ args }) => args?.provider)).toEqual(['WebGpuExecutionProvider']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('blames the model, not the device, for a broken model', async () => {
    const failure = await Session.create(Uint8Array.of(1, 2, 3), { device: 'webgpu' }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SphereFaceError);
    expect(failure).not.toBeInstanceOf(DeviceError);
  });
});

describe('tensors', () => {
  it('have the dtype and shape that the engine expects', () => {
    expect(float32Scalar(0.5)).toMatchObject({ type: 'float32', dims: [], data: Float32Array.of(0.5) });
    expect(int64([3, 1])).toMatchObject({ type: 'int64', dims: [2], data: BigInt64Array.of(3n, 1n) });
    expect(() => float32Data(int64([1]))).toThrow(/expected a float32 tensor, got int64/);
  });
});
