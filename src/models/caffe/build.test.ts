// Caffe nets: SphereFace-20 against the native network, layers against their definitions, MTCNN's files against the detector.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Random } from '../../common/random.js';
import { buildNetwork } from '../../faces/mtcnn/build.js';
import { type MtcnnWeights, networks, weightSlots } from '../../faces/mtcnn/networks.js';
import { Graph, serialize, type Value } from '../../graph/index.js';
import { InferenceBuilder, initialize, type ParameterSpec, sfnet, TrainingBuilder } from '../../nn/index.js';
import { float32, Session } from '../../runtime/index.js';
import { type CaffeLayerPart, writeCaffeModel, writeOldCaffeModel } from '../../testing/caffe-writer.js';
import { buildCaffeNet } from './build.js';
import { parseDefinition } from './definition.js';
import { readCaffeModel } from './read.js';

/** The published net's definition: SphereFace-20's layers with narrower stages, to be quick. */
const widths = [8, 12, 16, 20] as const;
const embeddingSize = 24;
const options = { depth: 20, widths, embeddingSize } as const;

function sphereFace20(form: 'deploy' | 'train'): string {
  const layers: string[] = [];
  const layer = (name: string, type: string, bottoms: string[], top: string, rest = ''): void => {
    const list = bottoms.map((bottom) => `bottom: "${bottom}"`).join(' ');
    layers.push(`layer { name: "${name}" type: "${type}" ${list} top: "${top}" ${rest} }`);
  };
  let blob = 'data';
  for (const [stage, units] of [1, 2, 4, 1].entries()) {
    let count = 0;
    const convolution = (stride: number): void => {
      const name = `${stage + 1}_${++count}`;
      layer(
        `conv${name}`,
        'Convolution',
        [blob],
        `conv${name}`,
        `
        param { lr_mult: 1 decay_mult: 1 }
        convolution_param { num_output: ${widths[stage]} kernel_size: 3 stride: ${stride} pad: 1
          weight_filler { type: "xavier" } bias_filler { type: "constant" value: 0 } }`,
      );
      layer(`relu${name}`, 'PReLU', [`conv${name}`], `conv${name}`);
      blob = `conv${name}`;
    };
    convolution(2);
    for (let unit = 0; unit < units; unit++) {
      const before = blob;
      convolution(1);
      convolution(1);
      layer(
        `res${stage + 1}_${count}`,
        'Eltwise',
        [before, blob],
        `res${stage + 1}_${count}`,
        'eltwise_param { operation: 1 }'.replace('1', 'SUM'),
      );
      blob = `res${stage + 1}_${count}`;
    }
  }
  layer('fc5', 'InnerProduct', [blob], 'fc5', `inner_product_param { num_output: ${embeddingSize} }`);
  if (form === 'deploy')
    return `name: "SpherefaceNet-20"\ninput: "data"\ninput_dim: 1 input_dim: 3 input_dim: 112 input_dim: 96\n${layers.join('\n')}`;
  layer(
    'fc6',
    'MarginInnerProduct',
    ['fc5', 'label'],
    'fc6',
    'top: "lambda" margin_inner_product_param { num_output: 10 type: QUADRUPLE }',
  );
  layer('softmax_loss', 'SoftmaxWithLoss', ['fc6', 'label'], 'softmax_loss');
  layer('inter_class_dist_output', 'InterClass', ['fc5', 'label'], 'maximize_inter_class_dist');
  return `layer { name: "data" type: "ImageData" top: "data" top: "label" include { phase: TRAIN } }\n${layers.join('\n')}`;
}

/** Known weights for every parameter of the native network. */
function knownWeights(): { readonly specs: readonly ParameterSpec[]; readonly values: Map<string, Float32Array> } {
  const builder = new TrainingBuilder(new Graph());
  sfnet(builder, builder.graph.input('images', 'float32', [1, 3, 112, 96]), options);
  const random = new Random(5);
  const specs = builder.specs.map((spec) => ({ ...spec, filler: { type: 'gaussian', std: 0.1 } as const }));
  return { specs, values: initialize(specs, random) };
}

const { specs, values } = knownWeights();

/** The weights as a Caffe file holds them. */
function caffeLayers(): CaffeLayerPart[] {
  const names = [...new Set(specs.map(({ name }) => name.slice(0, name.lastIndexOf('.'))))];
  return names.map((name) => {
    const own = specs.filter((spec) => spec.name.startsWith(`${name}.`));
    const type = name.startsWith('conv') ? 'Convolution' : name.startsWith('relu') ? 'PReLU' : 'InnerProduct';
    return { name, type, blobs: own.map((spec) => ({ shape: spec.shape, data: values.get(spec.name)! })) };
  });
}

const classifier = { shape: [10, embeddingSize], data: Float32Array.from({ length: 10 * embeddingSize }, (_, i) => i) };

async function run(
  graph: { readonly inputs: readonly Value[] },
  y: Value,
  images: Float32Array,
): Promise<Float32Array> {
  const session = await Session.create(serialize(graph, { outputs: { y } }), { threads: 1 });
  const outputs = await session.run({ images: float32(images, [1, 3, 112, 96]) });
  await session.dispose();
  return outputs.y.data as Float32Array;
}

describe('a SphereFace-20 model', () => {
  const images = Float32Array.from({ length: 3 * 112 * 96 }, (_, index) => Math.sin(index * 0.37));

  it.each(['deploy', 'train'] as const)('imports bit for bit by its %s definition', (form) => {
    const model = readCaffeModel(
      writeCaffeModel([...caffeLayers(), { name: 'fc6', type: 'MarginInnerProduct', blobs: [classifier] }]),
    );
    const net = buildCaffeNet(parseDefinition(sphereFace20(form), 'net.prototxt'), model, { picture: [3, 112, 96] });
    expect([...net.outputs.keys()]).toEqual(['fc5']);
    expect([...net.parameters.keys()].sort()).toEqual(specs.map(({ name }) => name).sort());
    for (const { name, shape } of specs) {
      expect(net.parameters.get(name)?.shape).toEqual(shape);
      expect(net.parameters.get(name)?.data).toEqual(values.get(name));
    }
    expect([...net.classifiers]).toEqual([['fc6.weight', classifier]]);
    expect(net.skipped).toEqual(
      form === 'deploy'
        ? []
        : ['fc6 (MarginInnerProduct)', 'softmax_loss (SoftmaxWithLoss)', 'inter_class_dist_output (InterClass)'],
    );
  });

  it('embeds exactly as the same network built natively', async () => {
    const model = readCaffeModel(writeCaffeModel(caffeLayers()));
    const net = buildCaffeNet(parseDefinition(sphereFace20('deploy'), 'net.prototxt'), model);
    const native = new InferenceBuilder(new Graph(), values);
    const embedding = sfnet(native, native.graph.input('images', 'float32', [1, 3, 112, 96]), options);
    const expected = await run(native.graph, embedding, images);
    expect(expected.some((value) => Math.abs(value) > 1e-3)).toBe(true);
    expect(await run(net.graph, net.outputs.get('fc5')!, images)).toEqual(expected);
  });

  it('says which weights do not fit', () => {
    const layers = caffeLayers().map((layer) => (layer.name === 'fc5' ? { ...layer, blobs: [classifier] } : layer));
    expect(() =>
      buildCaffeNet(parseDefinition(sphereFace20('deploy'), 'x'), readCaffeModel(writeCaffeModel(layers))),
    ).toThrow(/"fc5"[^]*\[10, 24\]/);
  });
});

describe('layers', () => {
  const build = (text: string, layers: CaffeLayerPart[] = [{ name: 'none', type: 'ReLU', blobs: [] }]) =>
    buildCaffeNet(
      parseDefinition(`input: "data" input_shape { dim: 1 dim: 2 dim: 112 dim: 96 } ${text}`, 'net.prototxt'),
      readCaffeModel(writeCaffeModel(layers)),
    );

  it('names an unknown layer, its type, and what is known', () => {
    expect(() => build('\nlayer { name: "norm1" type: "LRN" bottom: "data" top: "n" }')).toThrow(
      /"norm1"[^]*type LRN, line 2[^]*Convolution, [^]*MarginInnerProduct/,
    );
    expect(() =>
      build('layer { name: "c" type: "Convolution" bottom: "nowhere" top: "c" convolution_param { } }'),
    ).toThrow(/bottom "nowhere"[^]*one of data/);
    expect(() =>
      build('layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { kernel_size: 3 } }'),
    ).toThrow(/num_output missing/);
    expect(() =>
      build(
        'layer { name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param { pool: AVE kernel_size: 5 stride: 2 } }',
      ),
    ).toThrow(/reach over the edge/);
  });

  it('computes eltwise, slopes, concatenation and pooling as Caffe defines them', async () => {
    const check = async (text: string, expected: (pixel: (c: number, y: number, x: number) => number) => number[]) => {
      const net = build(text);
      const [[, y]] = [...net.outputs];
      const data = Float32Array.from({ length: 2 * 112 * 96 }, (_, index) => Math.cos(index * 1.3));
      const session = await Session.create(serialize(net.graph, { outputs: { y } }), { threads: 1 });
      const result = (await session.run({ images: float32(data, [1, 2, 112, 96]) })).y.data as Float32Array;
      await session.dispose();
      const want = expected((c, row, column) => data[(c * 112 + row) * 96 + column]);
      for (const [index, value] of want.entries()) expect(result[index]).toBeCloseTo(value, 5);
    };
    await check(
      'layer { name: "e" type: "Eltwise" bottom: "data" bottom: "data" top: "e" eltwise_param { operation: SUM coeff: 2 coeff: -0.5 } }',
      (pixel) => [1.5 * pixel(0, 0, 0), 1.5 * pixel(0, 0, 1)],
    );
    await check(
      'layer { name: "r" type: "ReLU" bottom: "data" top: "r" relu_param { negative_slope: 0.1 } }',
      (pixel) => [0, 1, 2, 3, 4].map((x) => pixel(0, 0, x)).map((v) => (v > 0 ? v : 0.1 * v)),
    );
    await check(
      'layer { name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param { pool: AVE global_pooling: true } }',
      (pixel) =>
        [0, 1].map((c) => {
          let sum = 0;
          for (let y = 0; y < 112; y++) for (let x = 0; x < 96; x++) sum += pixel(c, y, x);
          return sum / (112 * 96);
        }),
    );
    await check(
      'layer { name: "p" type: "Pooling" bottom: "data" top: "p" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }',
      (pixel) => [Math.max(...[0, 1, 2].flatMap((y) => [0, 1, 2].map((x) => pixel(0, y, x))))],
    );
  });

  it('reads the old format: numbered types, layers, padded shapes', async () => {
    const weight = Float32Array.from({ length: 6 }, (_, index) => index - 2);
    const model = readCaffeModel(
      writeOldCaffeModel([
        {
          name: 'conv',
          type: 4,
          blobs: [
            { shape: [3, 2, 1, 1], data: weight },
            { shape: [3], data: Float32Array.of(1, 2, 3) },
          ],
        },
      ]),
    );
    const definition = parseDefinition(
      `input: "data" input_dim: 1 input_dim: 2 input_dim: 2 input_dim: 2
       layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" convolution_param { num_output: 3 kernel_size: 1 } }
       layers { name: "relu" type: RELU bottom: "conv" top: "conv" }`,
      'old.prototxt',
    );
    const net = buildCaffeNet(definition, model);
    expect(net.parameters.get('conv.weight')).toEqual({ shape: [3, 2, 1, 1], data: weight });
    const session = await Session.create(serialize(net.graph, { outputs: { y: net.outputs.get('conv')! } }), {
      threads: 1,
    });
    const x = Float32Array.from({ length: 8 }, (_, index) => index);
    const y = (await session.run({ images: float32(x, [1, 2, 2, 2]) })).y.data;
    await session.dispose();
    const expected = [0, 1, 2].flatMap((o) =>
      [0, 1, 2, 3].map((p) => Math.max(0, weight[o * 2] * x[p] + weight[o * 2 + 1] * x[4 + p] + o + 1)),
    );
    expect([...(y as Float32Array)]).toEqual(expected);
  });
});

const mtcnn = fileURLToPath(new URL('../../../../shared/models/mtcnn/', import.meta.url));

describe.skipIf(!existsSync(mtcnn))("MTCNN's official files (skipped where ../shared is absent)", () => {
  const outputs = {
    pnet: ['det1', { probability: 'prob1', offsets: 'conv4-2' }],
    rnet: ['det2', { probability: 'prob1', offsets: 'conv5-2' }],
    onet: ['det3', { probability: 'prob1', offsets: 'conv6-2', points: 'conv6-3' }],
  } as const;

  it.each(['pnet', 'rnet', 'onet'] as const)("import to a net with the detector's own outputs: %s", async (name) => {
    const [file, blobs] = outputs[name];
    const model = readCaffeModel(readFileSync(`${mtcnn}${file}.caffemodel`));
    const net = buildCaffeNet(parseDefinition(readFileSync(`${mtcnn}${file}.prototxt`, 'utf8'), file), model);
    const imported = await Session.create(
      serialize(net.graph, {
        outputs: Object.fromEntries(Object.entries(blobs).map(([key, blob]) => [key, net.outputs.get(blob)!])),
      }),
      { threads: 1 },
    );
    const weights = Object.fromEntries(
      Object.entries(networks).map(([key, network]) => [
        key,
        key === name ? weightSlots(network).map(({ layer, blob }) => model.layers.get(layer)!.blobs[blob].data) : [],
      ]),
    ) as unknown as MtcnnWeights;
    const own = await Session.create(buildNetwork(name, weights), { threads: 1 });

    const side = networks[name].window;
    const picture = Float32Array.from({ length: 3 * side * side }, (_, index) => Math.sin(index * 0.71));
    // The published nets see pictures with rows and columns exchanged; the detector's see them as they are.
    const exchanged = picture.map((_, index) => {
      const [c, rest] = [Math.floor(index / (side * side)), index % (side * side)];
      return picture[c * side * side + (rest % side) * side + Math.floor(rest / side)];
    });
    const [a, b] = await Promise.all([
      imported.run({ images: float32(exchanged, [1, 3, side, side]) }),
      own.run({ images: float32(picture, [1, 3, side, side]) }),
    ]);
    for (const key of Object.keys(blobs)) {
      // Of the two probabilities (no face, face), which add up to 1, the detector computes the last.
      const compared = key === 'probability' ? 1 : a[key].size;
      const [got, want] = [a, b].map((outputs) => (outputs[key].data as Float32Array).slice(-compared));
      expect(got.length).toBe(want.length);
      // The same sums of at most 1,152 products in another order, in float32.
      for (const [index, value] of want.entries()) expect(Math.abs(got[index] - value)).toBeLessThan(1e-5);
    }
    await imported.dispose();
    await own.dispose();
  });
});
