// Parameters, momentum and statistics that stay on a device from step to step, and their image in this process's memory, which is brought
// up to date when it is asked for.
import {
  DeviceReader,
  float32,
  float32Data,
  type SessionOptions,
  type Tensor,
  type Tensors,
} from '../../runtime/index.js';
import type { ParameterSpec } from '../../nn/index.js';
import { isTrained } from '../../nn/index.js';
import { ParameterStore } from '../parameter-store.js';
import { momentumName, stateInputs } from './device-step.js';

export class DeviceState implements AsyncDisposable {
  /** By the names of the step's inputs. Until the first step they lie in this process's memory, over the image itself. */
  private current: Tensors;
  private isImageCurrent = true;

  private constructor(
    private readonly image: ParameterStore,
    private readonly reader: DeviceReader,
    private readonly inputs: ReadonlyMap<string, ParameterSpec>,
  ) {
    this.current = this.imageTensors();
  }

  /** A state of zeros. */
  static async create(specs: readonly ParameterSpec[], options: SessionOptions): Promise<DeviceState> {
    // No gradients are kept here: whoever has them updates the parameters.
    const image = new ParameterStore(specs, new Map(), new Set(specs.filter(isTrained).map(({ name }) => name)));
    const inputs = stateInputs(specs);
    const shapes = new Map([...inputs].map(([input, { shape }]) => [input, shape]));
    return new DeviceState(image, await DeviceReader.create(shapes, options), inputs);
  }

  /** What a step takes of the state. */
  get feeds(): Tensors {
    return this.current;
  }

  /** A tensor of the state, wherever it lies. */
  tensor(input: string): Tensor {
    return this.current[input];
  }

  /** Takes tensors of the device in the place of those before, which are let go. @param next all of them. */
  replace(next: Tensors): void {
    letGo(this.current);
    this.current = next;
    this.isImageCurrent = false;
  }

  /** The image, brought up to date. */
  async read(): Promise<ParameterStore> {
    if (this.isImageCurrent) return this.image;
    const copies = await this.reader.read(this.current);
    for (const [input, data] of this.imageBuffers()) data.set(float32Data(copies[input]));
    this.isImageCurrent = true;
    return this.image;
  }

  /** Changes the image, and the state with it: the next step takes it to the device. */
  async change(change: (image: ParameterStore) => void): Promise<void> {
    change(await this.read());
    letGo(this.current);
    this.current = this.imageTensors();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    letGo(this.current);
    await this.reader.dispose();
  }

  private imageTensors(): Tensors {
    return Object.fromEntries(
      this.imageBuffers().map(([input, data]) => [input, float32(data, this.inputs.get(input)!.shape)]),
    );
  }

  private imageBuffers(): (readonly [string, Float32Array])[] {
    const { values, momentum } = this.image;
    return [...this.inputs].map(([input, { name }]) => [
      input,
      (input === momentumName(name) ? momentum : values).get(name)!,
    ]);
  }
}

/** Gives back the memory of those tensors that lie on a device. */
export function letGo(tensors: Tensors): void {
  for (const tensor of Object.values(tensors)) if (tensor.location !== 'cpu') tensor.dispose();
}
