// Tensors of a device brought into this process's memory. Their own `getData` ends the process in onnxruntime-node 1.30, so a model of
// copies is run whose outputs are here.
import { Graph, serialize, type Shape } from '../graph/index.js';
import { Session, type SessionOptions, type Tensor, type Tensors } from './session.js';

/** Reads float32 tensors of known names and shapes. */
export class DeviceReader implements AsyncDisposable {
  private constructor(
    private readonly session: Session,
    private readonly names: readonly string[],
  ) {}

  static async create(shapes: ReadonlyMap<string, Shape>, options: SessionOptions): Promise<DeviceReader> {
    const graph = new Graph();
    const names = [...shapes.keys()];
    const outputs = names.map((name) => [copyOf(name), graph.input(name, 'float32', shapes.get(name)!)]);
    const model = serialize(graph, { outputs: Object.fromEntries(outputs) });
    return new DeviceReader(await Session.create(model, options), names);
  }

  /** The tensors in this process's memory, by their names; those given stay as they are. */
  async read(tensors: Tensors): Promise<Record<string, Tensor>> {
    const copies = await this.session.run(tensors);
    return Object.fromEntries(this.names.map((name) => [name, copies[copyOf(name)]]));
  }

  async dispose(): Promise<void> {
    await this.session.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}

function copyOf(name: string): string {
  return `copy:${name}`;
}
