// Finds out which form of an op is the fastest on a device, by computing each there. A model is written to learn what it asks; where
// something has not been measured yet, that is measured, and the model written again.
import {
  type FormCase,
  type FormChoice,
  Graph,
  reshape,
  serialize,
  slice,
  type Target,
  type Value,
} from '../graph/index.js';
import type { Device } from './device.js';
import { Session, type Tensor, type Tensors } from './session.js';
import { float32 } from './tensors.js';

/** The fastest form of each case, by its key. */
export type FoundForms = ReadonlyMap<string, string>;

/** Cases of fewer multiplications take no time in any form. */
const leastWork = 2 ** 25;
/** Runs of each form, of which the fastest counts; the first compiles shaders and does not. */
const runs = 2;
/** A form that takes so many times as long as the best one so far is not run again. */
const hopeless = 2;

/** Where what was found is kept from one process to the next. */
export interface FormStore {
  load(): Promise<FoundForms>;
  save(found: FoundForms): Promise<void>;
}

/** Keeps what was found as long as the process. */
class ProcessStore implements FormStore {
  private found: FoundForms = new Map();

  load(): Promise<FoundForms> {
    return Promise.resolve(this.found);
  }

  save(found: FoundForms): Promise<void> {
    this.found = found;
    return Promise.resolve();
  }
}

/** Where nothing else is given. */
const processForms: FormStore = new ProcessStore();

/** Where forms are computed. */
interface ComputeOptions {
  readonly device?: Device;
  readonly threads?: number;
}

export interface MeasureOptions extends ComputeOptions {
  /** Default: as long as this process lives. */
  readonly forms?: FormStore;
  /** Cases measured, of how many, where there are any. */
  readonly onMeasuring?: (done: number, total: number) => void;
}

/**
 * What `write` writes with the fastest form of every op on this device. It is called once to learn what forms are asked for, and once more
 * where any of them had to be measured. Forms are measured for WebGPU alone: those for the CPU are chosen by rules.
 * @throws the runtime's error where no form of a case can be computed.
 */
export async function withFastestForms<Written>(
  write: (choose: FormChoice) => Written,
  target: Target,
  { device, threads, forms = processForms, onMeasuring }: MeasureOptions,
): Promise<Written> {
  if (target.device !== 'webgpu') return write(() => undefined);
  const found = new Map(await forms.load());
  const unknown = new Map<string, FormCase>();
  const written = write((one) => {
    if (!found.has(one.key) && one.work >= leastWork) unknown.set(one.key, one);
    return found.get(one.key);
  });
  if (unknown.size === 0) return written;
  let done = 0;
  for (const one of unknown.values()) {
    onMeasuring?.(done++, unknown.size);
    found.set(one.key, await fastestForm(one, target, { device, threads }));
  }
  onMeasuring?.(done, unknown.size);
  await forms.save(found);
  return write(({ key }) => found.get(key));
}

/** Computes a case in each form on the device, with values between -1 and 1. */
async function fastestForm(one: FormCase, target: Target, options: ComputeOptions): Promise<string> {
  const graph = new Graph();
  const inputs = one.node.inputs.map(({ shape }, i) => graph.input(`x${i}`, 'float32', shape));
  const [result] = graph.apply(one.node.op, inputs, one.node.attributes);
  await using given = await OnDevice.create(graph, inputs, options);
  let best: { readonly form: string; readonly milliseconds: number } | undefined;
  let failure: unknown;
  for (const form of one.forms) {
    const choose: FormChoice = ({ key }) => (key === one.key ? form : undefined);
    // One number of the result: it is carried back when all is computed, and little is carried.
    const model = serialize(graph, { outputs: { y: firstOf(result) }, target, choose });
    try {
      await using session = await Session.create(model, options);
      const milliseconds = await timeOf(session, given.tensors, (best?.milliseconds ?? Infinity) * hopeless);
      if (milliseconds < (best?.milliseconds ?? Infinity)) best = { form, milliseconds };
    } catch (error) {
      // A tensor beyond the adapter's limits, say: another form may have none.
      failure = error;
    }
  }
  if (best === undefined) throw failure;
  return best.form;
}

const firstOf = (x: Value): Value => slice(reshape(x, [x.size]), { axes: [0], starts: [0], ends: [1] });

async function timeOf(session: Session, feeds: Tensors, limit: number): Promise<number> {
  let least = Infinity;
  for (let run = 0; run <= runs && (run < 2 || least < limit); run++) {
    const started = performance.now();
    await session.run(feeds);
    if (run > 0) least = Math.min(least, performance.now() - started);
  }
  return least;
}

/** Tensors for the inputs of a graph that lie on the device, as long as the session which made them. */
class OnDevice implements AsyncDisposable {
  private constructor(
    readonly tensors: Readonly<Record<string, Tensor>>,
    private readonly session: Session,
  ) {}

  static async create(graph: Graph, inputs: readonly Value[], options: ComputeOptions): Promise<OnDevice> {
    const outputs = Object.fromEntries(inputs.map((input) => [`copy:${input.inputName!}`, input]));
    const session = await Session.create(serialize(graph, { outputs }), { ...options, kept: Object.keys(outputs) });
    const copies = await session.run(Object.fromEntries(inputs.map((input) => [input.inputName!, saw(input)])));
    const tensors = inputs.map(({ inputName }) => [inputName!, copies[`copy:${inputName!}`]]);
    return new OnDevice(Object.fromEntries(tensors) as Record<string, Tensor>, session);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const tensor of Object.values(this.tensors)) tensor.dispose();
    await this.session.dispose();
  }
}

/** Values of no simple period: neither zeros, which some processors multiply faster, nor the same in every channel. */
function saw({ size, shape }: Value): Tensor {
  return float32(
    Float32Array.from({ length: size }, (_, i) => ((i * 0.618034) % 2) - 1),
    shape,
  );
}
