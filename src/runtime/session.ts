// A model ready to run on a device: inputs by name in, outputs by name out, optionally into buffers the caller owns.
import { type InferenceSession, Tensor } from 'onnxruntime-common';
import { SphereFaceError, messageOf } from '../common/errors.js';
import { Lifetime } from '../common/lifetime.js';
import type { Queue } from '../common/queue.js';
import { type Backend, loadBackend, turnsOf } from './backend.js';
import { type Device, requireDevice } from './device.js';

export { Tensor };

/** Tensors by the names of a model's inputs or outputs. */
export type Tensors = Readonly<Record<string, Tensor>>;

export interface SessionOptions {
  /** Default `cpu` (in a browser `wasm`). */
  readonly device?: Device;
  /** Threads for one operator, on the CPU. Default: the runtime's choice, one per core. */
  readonly threads?: number;
  /** Writes a Chrome-trace profile with this file prefix; the file is complete after `dispose`. */
  readonly profilePrefix?: string;
  /**
   * Outputs that stay in the device's memory, as tensors to feed to later runs and to `dispose` of; on a device for which
   * {@link keepsTensors} holds. Read them with a {@link DeviceReader}.
   */
  readonly kept?: readonly string[];
}

/** Bytes carried between this process's memory and that of devices which have their own. */
export interface Traffic {
  readonly toDevice: number;
  readonly fromDevice: number;
}

let carried: Traffic = { toDevice: 0, fromDevice: 0 };

/** What the runs of all sessions of this process have carried so far. */
export function traffic(): Traffic {
  return carried;
}

/** Whether outputs can stay on a device: the runtime's binding for Node knows buffers of WebGPU alone (onnxruntime-node 1.30). */
export function keepsTensors(device: Device): boolean {
  return device === 'webgpu';
}

/**
 * A model on a device. Its methods may be called side by side: runs take their turn, in the order they were asked for, and `dispose`
 * waits for them. A run's feeds are read when its turn comes: leave them alone until it has ended.
 */
export class Session implements AsyncDisposable {
  private readonly life = new Lifetime('session');
  /** The buffers that runs asked for, and not yet ended, write into. */
  private readonly claimed = new Set<Tensor>();

  private constructor(
    private readonly session: InferenceSession,
    private readonly ort: Backend['ort'],
    private readonly turns: Queue,
    /** The device that was taken. */
    readonly device: Device,
    /** Which engine runs it and why this device, in words. */
    readonly description: string,
    private readonly profiled: boolean,
    /** Whether the engine writes into preallocated outputs: onnxruntime-web leaves the page's memory as it was, silently. */
    private readonly inPlace: boolean,
  ) {}

  /**
   * Prepares an ONNX model for running.
   * @param model the bytes of an ONNX model
   * @throws DeviceError when the device is not there; the message lists those that are
   */
  static async create(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
    const backend = await loadBackend();
    const fallback: Device = backend.name === 'onnxruntime-node' ? 'cpu' : 'wasm';
    const device = options.device ?? fallback;
    await requireDevice(device, backend);
    const turns = turnsOf(backend);
    const reason = options.device === undefined ? 'the default here' : 'as asked for';
    try {
      const create = () => backend.ort.InferenceSession.create(model, sessionOptions(device, options));
      const session = await turns.run(create);
      const description = `${device} (${backend.name}, ${reason})`;
      return new Session(
        session,
        backend.ort,
        turns,
        device,
        description,
        options.profilePrefix !== undefined,
        backend.name === 'onnxruntime-node',
      );
    } catch (error) {
      throw new SphereFaceError(`The model could not be prepared for the device "${device}".`, {
        got: messageOf(error),
        expected: 'an ONNX model whose operators and types the runtime knows',
        cause: error,
      });
    }
  }

  get inputNames(): readonly string[] {
    return this.session.inputNames;
  }

  get outputNames(): readonly string[] {
    return this.session.outputNames;
  }

  /** Shapes and dtypes of the inputs as the model states them; symbolic sizes are strings. */
  get inputMetadata(): InferenceSession['inputMetadata'] {
    return this.session.inputMetadata;
  }

  /** Shapes and dtypes of the outputs as the model states them; symbolic sizes are strings. */
  get outputMetadata(): InferenceSession['outputMetadata'] {
    return this.session.outputMetadata;
  }

  /**
   * Runs the model once.
   * @param into preallocated tensors for outputs, written in place and returned; outputs not named here are allocated
   * @throws SphereFaceError after disposal, and when another run that has not ended writes into the same memory: whoever asked for it
   *   would find this run's values there
   */
  run(feeds: Tensors, into?: Tensors): Promise<Record<string, Tensor>> {
    return this.life.use(async () => {
      if (into === undefined) return this.counted(feeds, await this.turns.run(() => this.session.run(feeds, quietly)));
      const outputs = Object.values(into);
      this.claim(outputs);
      try {
        const fetches: Record<string, Tensor | null> = {};
        if (this.inPlace) for (const name of this.outputNames) fetches[name] = this.asFetch(into[name]);
        const run = () => (this.inPlace ? this.session.run(feeds, fetches, quietly) : this.session.run(feeds, quietly));
        const results = this.counted(feeds, await this.turns.run(run));
        if (!this.inPlace) for (const name of Object.keys(into)) copyInto(into[name], results[name]);
        // onnxruntime-node returns a copy of what it has written in place: the caller's own tensor takes its place.
        return { ...results, ...into };
      } finally {
        for (const output of outputs) this.claimed.delete(output);
      }
    });
  }

  private counted<T extends Tensors>(feeds: Tensors, results: T): T {
    if (this.device === 'cpu' || this.device === 'wasm') return results;
    const { toDevice, fromDevice } = carried;
    carried = { toDevice: toDevice + hostBytes(feeds), fromDevice: fromDevice + hostBytes(results) };
    return results;
  }

  private claim(outputs: readonly Tensor[]): void {
    for (const output of outputs) {
      for (const other of this.claimed) {
        if (!overlap(output, other)) continue;
        throw new SphereFaceError('Two runs that have not ended write into the same memory.', {
          got: `outputs of ${output.type} [${output.dims.join(', ')}] over one buffer`,
          expected: 'preallocated outputs that no other run is writing',
          next: 'await the first run, or give each run outputs of its own',
        });
      }
    }
    for (const output of outputs) this.claimed.add(output);
  }

  /**
   * The same buffer as a tensor of the engine's own class. onnxruntime-node loads its own (CommonJS) copy of that class, and takes
   * preallocated outputs of any other class for absent ones, silently.
   */
  private asFetch(tensor: Tensor | undefined): Tensor | null {
    if (tensor === undefined) return null;
    if (tensor instanceof this.ort.Tensor) return tensor;
    return new this.ort.Tensor(tensor.type, tensor.data, tensor.dims) as Tensor;
  }

  /** Releases everything the runtime holds for this model, when the runs asked for have ended. Safe to call twice. */
  dispose(): Promise<void> {
    return this.life.end(async () => {
      if (this.profiled) this.session.endProfiling();
      await this.session.release();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }
}

/** What fails in a run is thrown. The runtime would also print it, in its own words, where it is not known yet whether it matters. */
const quietly: InferenceSession.RunOptions = { logSeverityLevel: 4 };

/** Copies the elements of one tensor over those of another of its type and size. */
function copyInto(target: Tensor, source: Tensor): void {
  (target.data as Float32Array).set(source.data as Float32Array);
}

/** Bytes of those tensors that lie in this process's memory. */
function hostBytes(tensors: Tensors): number {
  let bytes = 0;
  // The data of a tensor elsewhere must not be asked for.
  for (const tensor of Object.values(tensors)) {
    if (tensor.location === 'cpu' && ArrayBuffer.isView(tensor.data)) bytes += tensor.data.byteLength;
  }
  return bytes;
}

/** Whether two tensors share memory. What lies on a device is not compared. */
function overlap(a: Tensor, b: Tensor): boolean {
  if (a === b) return true;
  if (a.location !== 'cpu' || b.location !== 'cpu') return false;
  const [x, y] = [a.data, b.data];
  if (!ArrayBuffer.isView(x) || !ArrayBuffer.isView(y) || x.buffer !== y.buffer) return false;
  return x.byteOffset < y.byteOffset + y.byteLength && y.byteOffset < x.byteOffset + x.byteLength;
}

function sessionOptions(device: Device, options: SessionOptions): InferenceSession.SessionOptions {
  return {
    // Alone: what a device does not compute goes to the CPU anyway, and a second name would take the place of one that fails.
    executionProviders: [device],
    graphOptimizationLevel: 'all',
    // The planned block would come on top of what the arena holds from the first run, for no gain in speed: twice the memory.
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    ...(options.profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
    ...(options.kept === undefined
      ? {}
      : { preferredOutputLocation: Object.fromEntries(options.kept.map((name) => [name, 'gpu-buffer' as const])) }),
  };
}
