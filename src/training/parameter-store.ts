// Parameters, momentum and gradients in few flat buffers, one for each pair of multipliers, laid out as the step graph wants them.
import { SphereFaceError } from '../common/errors.js';
import { type Layout, permute, type Shape, shapeIn, sizeOf } from '../graph/index.js';
import { isTrained, type ParameterSpec, isOfClassifier } from '../nn/index.js';
import type { Tensor } from '../models/safetensors.js';

/** Parameters of one part of the network with equal multipliers, laid end to end. */
export interface ParameterGroup {
  readonly part: 'backbone' | 'classifier';
  readonly learningRateMultiplier: number;
  readonly decayMultiplier: number;
  readonly values: Float32Array;
  readonly momentum: Float32Array;
  readonly gradients: Float32Array;
}

/**
 * Values lie in memory as the step graph wants them (see `layouts`); they come in and go out in the order of their specs.
 */
export class ParameterStore {
  readonly groups: readonly ParameterGroup[];
  /** Every parameter's values; those of a group's are views into it. */
  readonly values = new Map<string, Float32Array>();
  /** Of trained parameters; of a group's, views into it. */
  readonly momentum = new Map<string, Float32Array>();
  /** Views into the groups. */
  readonly gradients = new Map<string, Float32Array>();
  private readonly shapeByName: ReadonlyMap<string, Shape>;

  /**
   * @param layouts parameters that the step graph holds in another layout than the standard one
   * @param apart trained parameters that are in no group: their gradients are kept elsewhere, and whoever has them updates their values
   *   and momentum
   */
  constructor(
    readonly specs: readonly ParameterSpec[],
    private readonly layouts: ReadonlyMap<string, Layout> = new Map(),
    apart: ReadonlySet<string> = new Set(),
  ) {
    this.shapeByName = new Map(specs.map(({ name, shape }) => [name, shape]));
    const members = new Map<string, ParameterSpec[]>();
    for (const spec of specs) {
      if (!isTrained(spec)) {
        this.values.set(spec.name, new Float32Array(sizeOf(spec.shape)));
        continue;
      }
      if (apart.has(spec.name)) {
        this.values.set(spec.name, new Float32Array(sizeOf(spec.shape)));
        this.momentum.set(spec.name, new Float32Array(sizeOf(spec.shape)));
        continue;
      }
      const key = `${partOf(spec)} ${spec.learningRateMultiplier ?? 1} ${spec.decayMultiplier ?? 1}`;
      members.set(key, [...(members.get(key) ?? []), spec]);
    }
    this.groups = [...members.values()].map((group) => this.lay(group));
  }

  /** Copies values in, checking that every parameter is there in its size. */
  setValues(values: ReadonlyMap<string, Float32Array>): void {
    this.fill(this.values, values);
  }

  setMomentum(values: ReadonlyMap<string, Float32Array>): void {
    this.fill(this.momentum, values);
  }

  /** The values with their shapes, in the order of the specs; live buffers where they lie in that order. */
  valueTensors(): Map<string, Tensor> {
    return this.tensors(this.values);
  }

  momentumTensors(): Map<string, Tensor> {
    return this.tensors(this.momentum);
  }

  /** The shape in which a parameter lies in memory. */
  shapeOf({ name, shape }: ParameterSpec): readonly number[] {
    const layout = this.layouts.get(name);
    return layout === undefined ? shape : shapeIn(layout, shape);
  }

  private lay(specs: readonly ParameterSpec[]): ParameterGroup {
    const total = specs.reduce((sum, spec) => sum + sizeOf(spec.shape), 0);
    const [{ learningRateMultiplier = 1, decayMultiplier = 1 }] = specs;
    const group = {
      part: partOf(specs[0]),
      learningRateMultiplier,
      decayMultiplier,
      values: new Float32Array(total),
      momentum: new Float32Array(total),
      gradients: new Float32Array(total),
    };
    let start = 0;
    for (const { name, shape } of specs) {
      const end = start + sizeOf(shape);
      this.values.set(name, group.values.subarray(start, end));
      this.momentum.set(name, group.momentum.subarray(start, end));
      this.gradients.set(name, group.gradients.subarray(start, end));
      start = end;
    }
    return group;
  }

  private fill(own: ReadonlyMap<string, Float32Array>, given: ReadonlyMap<string, Float32Array>): void {
    for (const [name, target] of own) {
      const source = given.get(name);
      if (source?.length !== target.length) {
        throw new SphereFaceError(`The parameter "${name}" does not fit the network of the recipe.`, {
          got: source === undefined ? 'no such parameter' : `${source.length} values`,
          expected: `${target.length} values`,
          next: 'resume with the data and recipe that the run was started with',
        });
      }
      const layout = this.layouts.get(name);
      target.set(layout === undefined ? source : permute(source, this.shapeByName.get(name)!, layout, 'to'));
    }
  }

  private tensors(from: ReadonlyMap<string, Float32Array>): Map<string, Tensor> {
    return new Map(
      [...from].map(([name, data]) => {
        const shape = this.shapeByName.get(name)!;
        const layout = this.layouts.get(name);
        return [name, { shape, data: layout === undefined ? data : permute(data, shape, layout, 'from') }];
      }),
    );
  }
}

function partOf(spec: ParameterSpec): ParameterGroup['part'] {
  return isOfClassifier(spec) ? 'classifier' : 'backbone';
}
