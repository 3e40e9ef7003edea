// Published models are known by their weights: the same for a file that another tool has written again, another for other weights.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { parseModel, type ParsedModel } from '../graph/onnx/index.js';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType,
} from '../graph/onnx/onnx_pb.js';
import { templates } from '../faces/index.js';
import { narrowFaceModel } from '../testing/face-model.js';
import { knownModel, knownModels } from './known-models.js';
import { openModel } from './model.js';
import { weightsDigest } from './weights-digest.js';

const bytes = narrowFaceModel();
const model = (): ParsedModel => parseModel(bytes, 'a model');
const digestOf = (changed: ParsedModel): string =>
  weightsDigest(parseModel(toBinary(ModelProtoSchema, changed as ModelProto), 'a model'), 'a model');

describe('weightsDigest', () => {
  const digest = digestOf(model());

  it('is the same for a model with other names, orders, constants, copies and metadata', () => {
    const rewritten = model();
    const { graph } = rewritten;
    const rename = (name: string): string => (name === '' ? '' : `renamed/${name}`);
    for (const node of graph.node) {
      node.input = node.input.map(rename);
      node.output = node.output.map(rename);
    }
    for (const tensor of graph.initializer) tensor.name = rename(tensor.name);
    graph.initializer.reverse();
    graph.initializer.push({ ...graph.initializer[0], name: 'copy' });
    // One as a node, one as numbers instead of bytes.
    const [constant, numbers] = graph.initializer.splice(1, 2);
    const attribute = create(AttributeProtoSchema, {
      ...{ name: 'value', type: AttributeProto_AttributeType.TENSOR, t: constant },
    });
    graph.node.unshift(
      create(NodeProtoSchema, { opType: 'Constant', output: [constant.name], attribute: [attribute] }),
    );
    const { buffer, byteOffset, byteLength } = Uint8Array.from(numbers.rawData);
    const isFloat = numbers.dataType === TensorProto_DataType.FLOAT;
    const floatData = isFloat ? [...new Float32Array(buffer, byteOffset, byteLength / 4)] : [];
    graph.initializer.push({ ...numbers, ...(isFloat ? { rawData: new Uint8Array(), floatData } : {}) });
    rewritten.metadataProps = [];
    expect(isFloat).toBe(true);
    expect(digestOf(rewritten)).toBe(digest);
  });

  it('is another one when a bit of a weight differs', () => {
    const changed = model();
    const tensor = changed.graph.initializer.at(-1)!;
    tensor.rawData = Uint8Array.from(tensor.rawData);
    tensor.rawData[0] ^= 1;
    expect(digestOf(changed)).not.toBe(digest);
    const less = model();
    less.graph.initializer.pop();
    expect(digestOf(less)).not.toBe(digest);
  });
});

describe('knownModels', () => {
  it('have digests, and templates that crops can be made by', () => {
    for (const [digest, { input, name }] of knownModels) {
      expect(digest, name).toMatch(/^[0-9a-f]{64}$/);
      const template = Object.values(templates).find((one) => one.name === input.alignment.template);
      expect(template, name).toMatchObject({ width: input.width, height: input.height });
    }
    expect(knownModel(model(), 'a model')).toBeUndefined();
  });
});

const path = fileURLToPath(new URL('../../../shared/models/mobilefacenet/MobileFaceNet.onnx', import.meta.url));

describe.skipIf(!existsSync(path))('a published model (skipped where ../shared is absent)', () => {
  it('needs no input specification', async () => {
    expect(knownModel(parseModel(readFileSync(path), path), path)?.name).toBe('mobilefacenet-ms1m');
    await using opened = await openModel(path, { threads: 1 });
    expect(opened.input).toMatchObject({ width: 112, channelOrder: 'RGB', mean: [123.675, 116.28, 103.53] });
    expect(opened.embeddingSize).toBe(128);
  });
});
