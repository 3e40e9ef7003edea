// Measured forms on WebGPU: the fastest is found once and kept, one that fails is passed over, and the CPU measures nothing.
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { ModelProtoSchema } from '../graph/onnx/onnx_pb.js';
import { type FormChoice, Graph, type Op, serialize, type Value } from '../graph/index.js';
import { webgpuTitle, webgpuWorks } from '../testing/devices.js';
import { type FormStore, type FoundForms, withFastestForms } from './index.js';

const webgpu = { device: 'webgpu' } as const;

/** x [128, 128] itself, at once or after ten products with it. */
function wayward(key: string, work = 2 ** 25): Op<Record<string, never>> {
  return {
    name: 'wayward',
    infer: ([x]) => [x],
    emit: (emitter, { inputs: [x], outputs: [y] }) => {
      const form = emitter.choose(['slow', 'fast'], { key, work });
      let product = emitter.nameOf(x);
      for (let i = 0; form === 'slow' && i < 10; i++) product = emitter.node('MatMul', [product, emitter.nameOf(x)]);
      const zero = emitter.node('Mul', [product, emitter.float(0)]);
      emitter.node('Add', [emitter.nameOf(x), zero], { outputs: [emitter.nameOf(y)] });
    },
    gradient: 'zero',
  };
}

function writerOf(...ops: Op<Record<string, never>>[]): (choose: FormChoice) => Uint8Array {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [128, 128]);
  const y = ops.reduce<Value>((value, op) => graph.apply(op, [value], {})[0], x);
  return (choose) => serialize(graph, { outputs: { y }, target: webgpu, choose });
}

const products = (model: Uint8Array): number =>
  fromBinary(ModelProtoSchema, model).graph!.node.filter(({ opType }) => opType === 'MatMul').length;

class Kept implements FormStore {
  saved = 0;
  constructor(public found: FoundForms = new Map()) {}

  load(): Promise<FoundForms> {
    return Promise.resolve(this.found);
  }

  save(found: FoundForms): Promise<void> {
    this.saved++;
    this.found = new Map(found);
    return Promise.resolve();
  }
}

describe('withFastestForms', () => {
  it('measures nothing for the CPU', async () => {
    const forms = new Kept(new Map([['a', 'y']]));
    const write = (choose: FormChoice) => choose({ key: 'a', forms: ['x', 'y'], node: undefined!, work: 2 ** 30 });
    expect(await withFastestForms(write, { device: 'cpu' }, { device: 'cpu', forms })).toBeUndefined();
    expect(forms.saved).toBe(0);
  });
});

describe.skipIf(!webgpuWorks)(webgpuTitle, () => {
  it('finds the fastest form of each case, once', async () => {
    const forms = new Kept();
    const write = writerOf(wayward('a'), wayward('a'), wayward('b'), wayward('small', 1000));
    const steps: string[] = [];
    const options = { ...webgpu, forms, onMeasuring: (done: number, total: number) => steps.push(`${done}/${total}`) };
    const model = await withFastestForms(write, webgpu, options);
    expect([...forms.found].sort()).toEqual([
      ['a', 'fast'],
      ['b', 'fast'],
    ]);
    expect(steps).toEqual(['0/2', '1/2', '2/2']);
    // The model is then one of fewer products, but for the case that is too small to be measured.
    expect(products(write(() => undefined))).toBe(40);
    expect(products(model)).toBe(10);

    let written = 0;
    const counted = (choose: FormChoice) => (written++, write(choose));
    expect(await withFastestForms(counted, webgpu, options)).toEqual(model);
    expect([written, steps.length, forms.saved]).toEqual([1, 3, 1]);
  });

  it('passes over a form that the device cannot compute, and throws where there is no other', async () => {
    const broken = (others: readonly string[]): Op<Record<string, never>> => ({
      ...wayward('c'),
      emit: (emitter, { inputs: [x], outputs: [y] }) => {
        const form = emitter.choose(['broken', ...others], { key: others.join(), work: 2 ** 25 });
        const operator = form === 'whole' ? 'Identity' : 'NoSuchOperator';
        emitter.node(operator, [emitter.nameOf(x)], { outputs: [emitter.nameOf(y)] });
      },
    });
    const forms = new Kept();
    await withFastestForms(writerOf(broken(['whole'])), webgpu, { ...webgpu, forms });
    expect([...forms.found.values()]).toEqual(['whole']);
    const none = withFastestForms(writerOf(broken(['broken too'])), webgpu, { ...webgpu, forms });
    await expect(none).rejects.toThrow(/NoSuchOperator/);
  });

  it('takes what was found before', async () => {
    const forms = new Kept(new Map([['a', 'slow']]));
    expect(products(await withFastestForms(writerOf(wayward('a')), webgpu, { ...webgpu, forms }))).toBe(10);
    expect(forms.saved).toBe(0);
  });
});
