// Exported models: half precision against float32, ONNX's checker, and the same embeddings on WebAssembly in a browser.
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromFloat16, toFloat16 } from '../common/float16.js';
import type { Picture } from '../images/source.js';
import { ModelProtoSchema } from '../graph/onnx/onnx_pb.js';
import { browserThere, browserTitle, launchBrowser } from '../testing/browser.js';
import { narrowFaceModel } from '../testing/face-model.js';
import { mobileFaceNetInput } from '../testing/mobilefacenet.js';
import { pythonHas, runPython } from '../testing/python.js';
import { exportModel, foreignDomains, requiredCosine, smallestCosine } from './export.js';
import { InputPacker } from '../images/packer.js';
import { openModel } from './model.js';
import { parseModel } from '../graph/onnx/index.js';
import { writeModel } from './model-file.js';
import { readParameters } from './parameters.js';

let scratch: string;
let float32: string;
let float16: string;
const model = narrowFaceModel();

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-export-'));
  float32 = join(scratch, 'float32.onnx');
  float16 = join(scratch, 'float16.onnx');
  await writeModel(float32, exportModel(model, 'float32', 'x'));
  await writeModel(float16, exportModel(model, 'float16', 'x'));
});
afterAll(() => rm(scratch, { recursive: true }));

describe('float16', () => {
  it('gives the same embeddings from half the bytes', async () => {
    await using a = await openModel(float32, { threads: 1 });
    await using b = await openModel(float16, { threads: 1 });
    const cosine = await smallestCosine(a, b);
    expect(cosine).toBeGreaterThan(requiredCosine);
    // Not the very same network: something was rounded.
    expect(cosine).toBeLessThan(1);
    expect((await stat(float16)).size).toBeLessThan((await stat(float32)).size * 0.55);
    expect(b.metadata).toEqual(a.metadata);
  });

  it('rounds every parameter to the nearest half and keeps inputs and outputs in float32', async () => {
    const [before, after] = [await readParameters(float32), await readParameters(float16)];
    for (const [name, { shape, data }] of before) {
      expect(after.get(name)?.shape).toEqual(shape);
      expect(after.get(name)?.data).toEqual(data.map((value) => fromFloat16(toFloat16(value))));
    }
    const { graph } = parseModel(await readFile(float16), float16);
    for (const { type } of [...graph.input, ...graph.output]) expect(type?.tensorType?.elemType).toBe(1);
  });

  it('refuses weights beyond its range', () => {
    const parsed = parseModel(model, 'x');
    const [first] = parsed.graph.initializer.filter(({ name }) => name === 'conv1_1.weight');
    new DataView(first.rawData.buffer, first.rawData.byteOffset).setFloat32(0, 1e6, true);
    expect(() => exportModel(toBinary(ModelProtoSchema, parsed), 'float16', 'x')).toThrow(
      /1000000 in .*conv1_1.weight/,
    );
  });

  const shared = fileURLToPath(new URL('../../../shared/models/mobilefacenet/MobileFaceNet.onnx', import.meta.url));
  it.skipIf(!existsSync(shared))('serves a published foreign model (skipped where ../shared is absent)', async () => {
    const path = join(scratch, 'mobilefacenet.onnx');
    await writeModel(path, exportModel(await readFile(shared), 'float16', shared));
    await using a = await openModel(shared, { threads: 1, inputSpec: mobileFaceNetInput });
    await using b = await openModel(path, { threads: 1, inputSpec: mobileFaceNetInput });
    expect(await smallestCosine(a, b)).toBeGreaterThan(requiredCosine);
  });
});

/** A page that loads the published build of onnxruntime-web and leaves it where `evaluate` finds it. */
const page = `<!doctype html><script type="module">import * as ort from '/ort.wasm.min.mjs'; globalThis.ort = ort;</script>`;

describe('an exported model', () => {
  it("uses ONNX's own operators only, and one that does not is refused", () => {
    expect(foreignDomains(model, 'x')).toEqual([]);
    const parsed = parseModel(model, 'x');
    parsed.graph.node[0].domain = 'com.microsoft.nchwc';
    const changed = toBinary(ModelProtoSchema, parsed);
    expect(() => exportModel(changed, 'float32', 'x')).toThrow(/com.microsoft.nchwc/);
  });

  it.skipIf(!pythonHas('onnx')).each(['float32', 'float16'] as const)(
    "in %s passes ONNX's checker with shape inference (skipped where python3-onnx is absent)",
    async (dtype) => {
      const program = `
import sys, onnx
model = onnx.load_model_from_string(sys.stdin.buffer.read())
onnx.checker.check_model(model, full_check=True)
print({p.key for p in model.metadata_props} >= {'sphereface.input', 'sphereface.embedding_size'})`;
      const bytes = await readFile(dtype === 'float32' ? float32 : float16);
      expect(runPython(program, bytes)).toEqual({ status: 0, output: 'True\n' });
    },
  );

  it.skipIf(!browserThere)(`embeds the same on WebAssembly ${browserTitle}`, async () => {
    await using native = await openModel(float32, { threads: 1 });
    await using half = await openModel(float16, { threads: 1 });
    const picture: Picture = {
      width: 96,
      height: 112,
      data: Uint8Array.from({ length: 96 * 112 * 3 }, (_, index) => 128 + 100 * Math.sin(index * 0.013)),
    };
    const tensor = new Float32Array(3 * 112 * 96);
    new InputPacker(native.input).pack([{ picture, mirrored: false }], tensor);

    const dist = fileURLToPath(new URL('../../node_modules/onnxruntime-web/dist/', import.meta.url));
    const types: Readonly<Record<string, string>> = { mjs: 'text/javascript', wasm: 'application/wasm' };
    const server = createServer((request, response) => {
      const name = basename(new URL(request.url ?? '/', 'http://localhost').pathname);
      const extension = name.split('.').at(-1) ?? '';
      if (name === '') {
        response.setHeader('content-type', 'text/html').end(page);
        return;
      }
      readFile(name.endsWith('.onnx') ? join(scratch, name) : join(dist, name)).then(
        (bytes) => response.setHeader('content-type', types[extension] ?? 'application/octet-stream').end(bytes),
        () => response.writeHead(404).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const browser = await launchBrowser();
    try {
      const tab = await browser.newPage();
      await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      await tab.waitForFunction(() => 'ort' in globalThis);
      const run = (file: string): Promise<number[]> =>
        tab.evaluate(
          async ([name, pixels]) => {
            const { ort } = globalThis as unknown as { ort: typeof import('onnxruntime-web') };
            ort.env.wasm.numThreads = 1;
            const session = await ort.InferenceSession.create(`/${name}`, { executionProviders: ['wasm'] });
            const images = new ort.Tensor('float32', Float32Array.from(pixels), [1, 3, 112, 96]);
            const { embedding } = await session.run({ images });
            return [...(embedding.data as Float32Array)];
          },
          [file, [...tensor]] as const,
        );
      const inBrowser = await run('float32.onnx');
      const here = await native.embed([picture]);
      expect(inBrowser).toHaveLength(here.length);
      expect(Math.max(...here.map(Math.abs))).toBeGreaterThan(0.1);
      for (const [index, value] of here.entries()) expect(Math.abs(inBrowser[index] - value)).toBeLessThan(1e-5);

      const halfInBrowser = await run('float16.onnx');
      const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
        const dot = (p: ArrayLike<number>, q: ArrayLike<number>) =>
          Array.from(p).reduce((sum, v, i) => sum + v * q[i], 0);
        return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
      };
      expect(cosine(halfInBrowser, here)).toBeGreaterThan(requiredCosine);
      expect(cosine(await half.embed([picture]), here)).toBeGreaterThan(requiredCosine);
    } finally {
      await browser.close();
      server.close();
    }
  });
});
