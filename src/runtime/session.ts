// A model ready to run on a device: inputs by name in, outputs by name out, optionally into buffers the caller owns.
import { type InferenceSession, Tensor } from 'onnxruntime-common';
import { SphereFaceError, messageOf } from '../common/errors.js';
import { type Backend, loadBackend } from './backend.js';
import { type Device, DeviceError, workingDevices } from './device.js';

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
}

export class Session {
  private disposed = false;

  private constructor(
    private readonly session: InferenceSession,
    private readonly ort: Backend['ort'],
    /** The device that was taken. */
    readonly device: Device,
    /** Which engine runs it and why this device, in words. */
    readonly description: string,
    private readonly profiled: boolean,
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
    try {
      const session = await backend.ort.InferenceSession.create(model, sessionOptions(device, options));
      const reason = options.device === undefined ? 'the default here' : 'as asked for';
      const description = `${device} (${backend.name}, ${reason})`;
      return new Session(session, backend.ort, device, description, options.profilePrefix !== undefined);
    } catch (error) {
      // Either the device is not there, or it is and the model is at fault.
      const working = await workingDevices(backend);
      if (!working.includes(device)) throw new DeviceError(device, working, error);
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
   */
  async run(feeds: Tensors, into?: Tensors): Promise<Record<string, Tensor>> {
    if (this.disposed) throw new SphereFaceError('This session has been disposed of.', { next: 'create a new one' });
    if (into === undefined) return this.session.run(feeds);
    const fetches: Record<string, Tensor | null> = {};
    for (const name of this.outputNames) fetches[name] = this.asFetch(into[name]);
    // onnxruntime-node returns a copy of what it has written in place: the caller's own tensor takes its place.
    return { ...(await this.session.run(feeds, fetches)), ...into };
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

  /** Releases everything the runtime holds for this model. Safe to call twice. */
  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    if (this.profiled) this.session.endProfiling();
    await this.session.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}

function sessionOptions(device: Device, options: SessionOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: device === 'cpu' || device === 'wasm' ? [device] : [device, 'cpu'],
    graphOptimizationLevel: 'all',
    // The planned block would come on top of what the arena holds from the first run, for no gain in speed: twice the memory.
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    ...(options.profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profilePrefix }),
  };
}
