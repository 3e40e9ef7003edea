import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { ModelProtoSchema } from '../graph/onnx/onnx_pb.js';
import { type FormChoice, Graph, type Op, serialize, type Value } from '../graph/index.js';
import { webgpuTitle, webgpuWorks } from '../testing/devices.js';
import { type FormStore, type FoundForms, measuredForms } from './index.js';

const webgpu = { device: 'webgpu' } as const;

/** x [256, 256] itself, at once or after forty products with it. */
function wayward(key: string, work = 2 ** 25): Op<Record<string, never>> {
  return {
    name: 'wayward',
    infer: ([x]) => [x],
    emit: (emitter, { inputs: [x], outputs: [y] }) => {
      const form = emitter.choose(['slow', 'fast'], { key, work });
      let product = emitter.nameOf(x);
      for (let i = 0; form === 'slow' && i < 40; i++) product = emitter.node('MatMul', [product, emitter.nameOf(x)]);
      const zero = emitter.node('Mul', [product, emitter.float(0)]);
      emitter.node('Add', [emitter.nameOf(x), zero], { outputs: [emitter.nameOf(y)] });
    },
    gradient: 'zero',
  };
}

function writerOf(...ops: Op<Record<string, never>>[]): (choose: FormChoice) => Uint8Array {
  const graph = new Graph();
  const x = graph.input('x', 'float32', [256, 256]);
  const y = ops.reduce<Value>((value, op) => graph.apply(op, [value], {})[0], x);
  return (choose) => serialize(graph, { outputs: { y }, target: webgpu, choose });
}

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

describe('measuredForms', () => {
  it('measures nothing for the CPU', async () => {
    const never = () => expect.unreachable();
    const choose = await measuredForms(never, { device: 'cpu' }, { device: 'cpu', forms: new Kept() });
    expect(choose({ key: 'a', forms: ['x', 'y'], node: undefined!, work: 2 ** 30 })).toBeUndefined();
  });
});

describe.skipIf(!webgpuWorks)(webgpuTitle, () => {
  it('finds the fastest form of each case, once', async () => {
    const forms = new Kept();
    const write = writerOf(wayward('a'), wayward('a'), wayward('b'), wayward('small', 1000));
    const steps: string[] = [];
    const options = { ...webgpu, forms, onMeasuring: (done: number, total: number) => steps.push(`${done}/${total}`) };
    const choose = await measuredForms(write, webgpu, options);
    expect([...forms.found].sort()).toEqual([
      ['a', 'fast'],
      ['b', 'fast'],
    ]);
    expect(steps).toEqual(['0/2', '1/2', '2/2']);
    // The model is then one of fewer products, but for the case that is too small to be measured.
    const products = (model: Uint8Array) =>
      fromBinary(ModelProtoSchema, model).graph!.node.filter(({ opType }) => opType === 'MatMul').length;
    expect(products(write(() => undefined))).toBe(160);
    expect(products(write(choose))).toBe(40);

    await measuredForms(write, webgpu, options);
    expect(steps.length).toBe(3);
    expect(forms.saved).toBe(1);
  });

  it('takes what was found before', async () => {
    const forms = new Kept(new Map([['a', 'slow']]));
    const choose = await measuredForms(writerOf(wayward('a')), webgpu, { ...webgpu, forms });
    expect(choose({ key: 'a', forms: ['slow', 'fast'], node: undefined!, work: 0 })).toBe('slow');
    expect(forms.saved).toBe(0);
  });
});
