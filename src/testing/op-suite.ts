// The suite that every op passes: values against a naive float64 reference, gradients against its central differences, on every device
// there is, and a model that onnx.checker accepts. A new op's test states random cases and the reference; the rest is here.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type FormChoice,
  Graph,
  gradients,
  mul,
  portable,
  serialize,
  sum,
  type Target,
  type Value,
} from '../graph/index.js';
import { type Device, Session, type Tensor } from '../runtime/index.js';
import { centralDifference, dot } from './central-difference.js';
import { expectClose, type Tolerance } from './close.js';
import { webgpuTitle, webgpuWorks } from './devices.js';
import { fromTensor, map, type NdArray, toTensor, uniform } from './nd-array.js';
import { pythonHas, runPython } from './python.js';

/** One application of an op to given inputs. */
export interface OpCase {
  /** Says in failure messages which case it was. */
  readonly title: string;
  readonly inputs: readonly NdArray[];
  build(...inputs: Value[]): Value;
  /** The same function in float64, written independently of the op: plain loops. */
  reference(...inputs: NdArray[]): NdArray;
  /** Positions of float32 inputs whose gradient is not compared; none by default. */
  readonly unchecked?: readonly number[];
}

/** Random cases of the ops of one file, by the op's name. */
export type OpCases = Readonly<Record<string, fc.Arbitrary<OpCase>>>;

/** float32 has 6e-8; sums of up to some hundred terms and short chains of functions stay two digits above it. */
const cpuTolerance: Tolerance = { relative: 2e-5, absolute: 2e-5 };
/** WGSL allows sin and cos an absolute error of 2^-11 and exp, pow and division several units in the last place. */
const webgpuTolerance: Tolerance = { relative: 1e-3, absolute: 1e-3 };

/** Factor on the number of random cases: `TEST_EFFORT=20` searches twenty times as many. */
export const effort = Number(process.env.TEST_EFFORT ?? 1);
/** Random cases per op. */
const runs = { cpu: 20 * effort, webgpu: 4 * effort, checker: 4 };

/** A random number for the data of a case; shapes are what shrinks. */
export const seeds: fc.Arbitrary<number> = fc.nat(2 ** 31);

/** Random shapes with few elements, so that a central difference for each costs little. */
export function shapes({ minRank = 1, maxRank = 4, maxDim = 4 } = {}): fc.Arbitrary<number[]> {
  return fc.array(fc.integer({ min: 1, max: maxDim }), { minLength: minRank, maxLength: maxRank });
}

/** Registers the tests of one op file. */
export function describeOps(cases: OpCases): void {
  describe('on cpu', () => {
    for (const [name, arbitrary] of Object.entries(cases)) {
      it(`${name}: values and gradients are those of the reference`, async () => {
        await fc.assert(
          fc.asyncProperty(arbitrary, (one) => checkCases([one], 'cpu')),
          { numRuns: runs.cpu },
        );
      });
    }
  });

  // One session for all: each costs a second or two of shader compilation.
  describe.skipIf(!webgpuWorks)(webgpuTitle, () => {
    it('all ops: values and gradients are those of the reference', async () => {
      await checkCases(sampleAll(cases, runs.webgpu), 'webgpu', [{ device: 'webgpu' }]);
    });
  });

  const checked = pythonHas('onnx');
  it.skipIf(!checked)(`onnx.checker accepts the models${checked ? '' : ' (skipped: no python3-onnx)'}`, () => {
    const { graph, outputs } = buildCases(sampleAll(cases, runs.checker));
    expectValidOnnx(serialize(graph, { outputs, target: portable }));
  });
}

function sampleAll(cases: OpCases, count: number): OpCase[] {
  return Object.values(cases).flatMap((arbitrary) => fc.sample(arbitrary, count));
}

/** Fails unless onnx.checker, with shape inference, accepts the model. */
export function expectValidOnnx(model: Uint8Array): void {
  const program = [
    'import sys, onnx',
    'model = onnx.load_from_string(sys.stdin.buffer.read())',
    'onnx.checker.check_model(model, full_check=True)',
  ].join('\n');
  const { status, output } = runPython(program, model);
  expect(status, output).toBe(0);
}

interface BuiltCases {
  readonly graph: Graph;
  readonly outputs: Readonly<Record<string, Value>>;
  readonly feeds: Readonly<Record<string, Tensor>>;
  /** Per case the weights of its output in the loss: loss = Σ weight · output. */
  readonly weights: readonly NdArray[];
}

/** Several cases side by side in one graph. Outputs: `y<case>` and `g<case>_<input>`. */
function buildCases(cases: readonly OpCase[]): BuiltCases {
  const graph = new Graph();
  const outputs: Record<string, Value> = {};
  const feeds: Record<string, Tensor> = {};
  const feed = (name: string, x: NdArray): Value => {
    feeds[name] = toTensor(x);
    return graph.input(name, x.dtype, x.shape);
  };
  const weights = cases.map(({ inputs, build }, i) => {
    const values = inputs.map((x, j) => feed(`x${i}_${j}`, x));
    const y = build(...values);
    outputs[`y${i}`] = y;
    const weight = uniform(y.shape, i + 1, -1, 1);
    const loss = sum(mul(y, feed(`w${i}`, weight)));
    const differentiated = values.filter((value) => value.dtype === 'float32');
    gradients(loss, differentiated).forEach((gradient, j) => {
      outputs[`g${i}_${values.indexOf(differentiated[j])}`] = gradient;
    });
    return weight;
  });
  return { graph, outputs, feeds, weights };
}

/** Fails unless every case's value and gradients, computed on the device, are those of its reference. */
export async function checkCases(
  cases: readonly OpCase[],
  device: Device & Target['device'],
  targets: readonly Target[] = [portable, { device }],
  choose?: FormChoice,
): Promise<void> {
  const { graph, outputs, feeds, weights } = buildCases(cases);
  const tolerance = device === 'webgpu' ? webgpuTolerance : cpuTolerance;
  const models = targets.map((target) => serialize(graph, { outputs, target, choose }));
  // Most ops have one form for all targets: equal models run once.
  const different = models.filter((model, i) => models.findIndex((other) => Buffer.compare(model, other) === 0) === i);
  for (const model of different) {
    const session = await Session.create(model, { device, threads: 1 });
    try {
      // Inputs that nothing reads are not part of the model.
      const present = Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]]));
      const results = await session.run(present);
      cases.forEach((one, i) => {
        checkCase(one, weights[i], (name) => fromTensor(results[`${name[0]}${i}${name.slice(1)}`]), tolerance);
      });
    } finally {
      await session.dispose();
    }
  }
}

/** `result('y')` is the value, `result('g_0')` the gradient of input 0. */
function checkCase(one: OpCase, weight: NdArray, result: (name: string) => NdArray, tolerance: Tolerance): void {
  const { title, inputs, reference, unchecked = [] } = one;
  expectClose(result('y'), reference(...inputs), tolerance, `${title}: value`);
  inputs.forEach((input, j) => {
    if (input.dtype !== 'float32' || unchecked.includes(j)) return;
    const expected = centralDifference((moved) => dot(weight, reference(...moved)), inputs, j);
    expectClose(result(`g_${j}`), expected, tolerance, `${title}: gradient of input ${j}`);
  });
}

/** Computes `build`'s outputs for given inputs on the CPU: for cases with stated numbers, such as ties. */
export async function evaluate(
  inputs: Readonly<Record<string, NdArray>>,
  build: (inputs: Readonly<Record<string, Value>>, graph: Graph) => Readonly<Record<string, Value>>,
): Promise<Record<string, NdArray>> {
  const graph = new Graph();
  const values = Object.fromEntries(
    Object.entries(inputs).map(([name, x]) => [name, graph.input(name, x.dtype, x.shape)]),
  );
  await using session = await Session.create(serialize(graph, { outputs: build(values, graph) }), { threads: 1 });
  const results = await session.run(
    Object.fromEntries(session.inputNames.map((name) => [name, toTensor(inputs[name])])),
  );
  return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, fromTensor(tensor)]));
}

/** The gradient of `sum(f(x))`, on the CPU: for cases where a central difference means nothing, such as ties. */
export async function gradientOf(x: NdArray, f: (x: Value) => Value): Promise<number[]> {
  const { g } = await evaluate({ x }, (inputs) => ({ g: gradients(sum(f(inputs.x)), [inputs.x])[0] }));
  return Array.from(map(g, (value) => value).data);
}
