// The attributes of an ONNX node, read with their types and defaults.
import type { NodeProto, TensorProto } from '../../graph/onnx/index.js';

/** Attributes by name. A wrong type reads as the field's empty value, which the caller's checks then refuse. */
export class NodeAttributes {
  constructor(private readonly node: NodeProto) {}

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  int<D extends number | undefined>(name: string, otherwise: D): number | D {
    const found = this.find(name);
    return found === undefined ? otherwise : Number(found.i);
  }

  float(name: string, otherwise: number): number {
    return this.find(name)?.f ?? otherwise;
  }

  ints<D extends readonly number[] | undefined>(name: string, otherwise: D): readonly number[] | D {
    const found = this.find(name);
    return found === undefined ? otherwise : found.ints.map(Number);
  }

  floats(name: string): readonly number[] | undefined {
    return this.find(name)?.floats;
  }

  text(name: string, otherwise: string): string {
    const found = this.find(name);
    return found === undefined ? otherwise : new TextDecoder().decode(found.s);
  }

  tensor(name: string): TensorProto | undefined {
    return this.find(name)?.t;
  }

  private find(name: string) {
    return this.node.attribute.find((attribute) => attribute.name === name);
  }
}
