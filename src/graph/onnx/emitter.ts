// Writes ONNX nodes while a graph is serialised: names, initializers, attributes, and lowered forms computed only once.
import { create } from '@bufbuild/protobuf';
import { columnTile, inverseOrder, type Layout, layoutOrder } from '../lowering/layout.js';
import type { Target } from '../lowering/target.js';
import { sameShape } from '../shapes.js';
import {
  type AttributeProto,
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from './onnx_pb.js';
import { constantOf } from '../constant.js';
import type { AttributeValue, ConstantData, DType, EmitOptions, Emitter, Shape, Value } from '../value.js';
import { dataTypeOf } from './data-type.js';

/** Collects the nodes and stored tensors of a model while its ops are emitted. */
export class OnnxEmitter implements Emitter {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  /** Operator domains in use besides ONNX's own. */
  readonly domains = new Set<string>();
  /** Names of each value, by the layout it lies in. */
  private readonly held = new Map<Value, Map<Layout, string>>();
  private readonly memo = new Map<string, string>();
  private readonly taken = new Set<string>();
  private counter = 0;

  /**
   * @param used the values that some emitted node or model output reads
   * @param outputs the name and layout that some values have as outputs of the model
   */
  constructor(
    readonly target: Target,
    private readonly used: ReadonlySet<Value>,
    private readonly outputs: ReadonlyMap<Value, { readonly name: string; readonly layout: Layout }>,
  ) {
    for (const { name } of outputs.values()) this.taken.add(name);
  }

  isUsed(value: Value): boolean {
    return this.used.has(value);
  }

  nameOf(value: Value): string {
    return this.nameIn(value, 'standard');
  }

  nameIn(value: Value, asked: Layout): string {
    const layout = distinct(asked, value.shape);
    const names = this.held.get(value);
    const name = names?.get(layout);
    if (name !== undefined) return name;
    if (names === undefined) return this.hold(value, layout, this.nameFor(value, layout));
    const [[from]] = names;
    return this.hold(value, layout, this.moved(value, from, layout));
  }

  /** A value that was first held in one layout, in another. The order of tiles is reached from that of pixels only. */
  private moved(value: Value, from: Layout, layout: Layout): string {
    const { shape } = value;
    switch (layout) {
      case 'tiled':
        return this.toTiled(this.nameIn(value, 'hwnc'), shape);
      case 'hwnc':
        return from === 'tiled'
          ? this.fromTiled(this.nameIn(value, from), shape)
          : this.toHwnc(this.nameOf(value), shape);
      case 'standard':
        if (from === 'hwnc' || from === 'tiled') return this.fromHwnc(this.nameIn(value, 'hwnc'), shape);
        return this.transposed(this.nameIn(value, from), inverseOrder(from));
      case 'chwn':
      case 'hwio':
        return this.transposed(this.nameOf(value), layoutOrder(layout));
      default:
        return layout satisfies never;
    }
  }

  private transposed(source: string, perm: readonly number[]): string {
    return this.node('Transpose', [source], { attributes: { perm } });
  }

  // Moving four axes at once, the runtime goes from element to element; in two steps it copies whole rows of channels, several times
  // as fast, and where the picture lies in its blocked layout it makes the step between [n, c, h, w] and [n, h, w, c] by itself.
  // The pixels are one axis meanwhile, or the runtime would join the steps again.

  private toHwnc(source: string, [n, c, h, w]: Shape): string {
    const channelsLast = this.node('Transpose', [source], { attributes: { perm: [0, 2, 3, 1] } });
    const pixels = this.node('Reshape', [channelsLast, this.ints([n, h * w, c])]);
    const turned = this.node('Transpose', [pixels], { attributes: { perm: [1, 0, 2] } });
    return this.node('Reshape', [turned, this.ints([h, w, n, c])]);
  }

  private fromHwnc(lying: string, [n, c, h, w]: Shape): string {
    const pixels = this.node('Reshape', [lying, this.ints([h * w, n, c])]);
    const turned = this.node('Transpose', [pixels], { attributes: { perm: [1, 0, 2] } });
    const channelsLast = this.node('Reshape', [turned, this.ints([n, h, w, c])]);
    return this.node('Transpose', [channelsLast], { attributes: { perm: [0, 3, 1, 2] } });
  }

  private toTiled(source: string, [n, c, h, w]: Shape): string {
    const tile = columnTile(w);
    const tiles = this.node('Reshape', [source, this.ints([h, w / tile, tile, n * c])]);
    return this.node('Reshape', [this.transposed(tiles, [0, 2, 1, 3]), this.ints([h, w, n, c])]);
  }

  private fromTiled(lying: string, [n, c, h, w]: Shape): string {
    const tile = columnTile(w);
    const tiles = this.node('Reshape', [lying, this.ints([h, tile, w / tile, n * c])]);
    return this.node('Reshape', [this.transposed(tiles, [0, 2, 1, 3]), this.ints([h, w, n, c])]);
  }

  /** States that a value lies in a layout under a name. */
  hold(value: Value, layout: Layout, name: string): string {
    const names = this.held.get(value) ?? new Map<Layout, string>();
    this.held.set(value, names.set(distinct(layout, value.shape), name));
    this.taken.add(name);
    return name;
  }

  layoutFor(inputs: readonly Value[], output: Value): Layout {
    for (const input of inputs) {
      const [computedIn] = this.held.get(input)?.keys() ?? [];
      if (computedIn !== undefined && computedIn !== 'standard' && sameShape(input.shape, output.shape))
        return computedIn;
    }
    return 'standard';
  }

  operand(value: Value, layout: Layout): string {
    if (layout === 'standard' || value.size === 1) return this.nameOf(value);
    if (value.rank === 4) return this.nameIn(value, layout);
    return this.once(`lifted:${this.nameOf(value)}:${layout}`, () => {
      const shape = [...Array<number>(4 - value.rank).fill(1), ...value.shape];
      const lifted = this.node('Reshape', [this.nameOf(value), this.ints(shape)]);
      const turned = this.transposed(lifted, layoutOrder(layout));
      return distinct(layout, shape) === 'tiled' ? this.toTiled(turned, shape) : turned;
    });
  }

  private nameFor(value: Value, layout: Layout): string {
    const output = this.outputs.get(value);
    if (output?.layout === layout) return output.name;
    const stored = constantOf(value)?.name;
    if (stored !== undefined) return stored;
    return this.fresh(value.producer?.op.name ?? 'value');
  }

  fresh(stem: string): string {
    let name: string;
    do name = `${stem}__${this.counter++}`;
    while (this.taken.has(name));
    this.taken.add(name);
    return name;
  }

  node(opType: string, inputs: readonly string[], options: EmitOptions = {}): string {
    const outputs = options.outputs ?? [this.fresh(opType)];
    const domain = options.domain ?? '';
    if (domain !== '') this.domains.add(domain);
    this.nodes.push(
      create(NodeProtoSchema, {
        opType,
        input: [...inputs],
        output: [...outputs],
        name: `${opType}_${this.nodes.length}`,
        attribute: Object.entries(options.attributes ?? {}).map(([name, value]) => attribute(name, value)),
        ...(domain === '' ? {} : { domain }),
      }),
    );
    return outputs[0];
  }

  initializer(
    constant: { readonly data: ConstantData; readonly dtype: DType; readonly shape: Shape },
    name: string,
  ): string {
    const { data } = constant;
    this.initializers.push(
      create(TensorProtoSchema, {
        name,
        dims: constant.shape.map(BigInt),
        dataType: dataTypeOf(constant.dtype),
        rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) as Uint8Array<ArrayBuffer>,
      }),
    );
    return name;
  }

  ints(values: readonly number[]): string {
    return this.once(`ints:${values.join(',')}`, () =>
      this.initializer(
        { data: BigInt64Array.from(values, BigInt), dtype: 'int64', shape: [values.length] },
        this.fresh('ints'),
      ),
    );
  }

  float(value: number): string {
    return this.once(`float:${value}`, () =>
      this.initializer({ data: Float32Array.of(value), dtype: 'float32', shape: [] }, this.fresh('float')),
    );
  }

  once(key: string, make: () => string): string {
    let name = this.memo.get(key);
    if (name === undefined) {
      name = make();
      this.memo.set(key, name);
    }
    return name;
  }
}

/** A layout, by one name only: where there are no tiles of columns, `tiled` is `hwnc`. */
function distinct(layout: Layout, shape: Shape): Layout {
  return layout === 'tiled' && columnTile(shape[3]) === 1 ? 'hwnc' : layout;
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  const base = { name };
  if (typeof value === 'number')
    return create(AttributeProtoSchema, { ...base, type: AttributeType.INT, i: BigInt(value) });
  if (typeof value === 'string') {
    return create(AttributeProtoSchema, {
      ...base,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value),
    });
  }
  if ('float' in value) return create(AttributeProtoSchema, { ...base, type: AttributeType.FLOAT, f: value.float });
  if ('floats' in value)
    return create(AttributeProtoSchema, { ...base, type: AttributeType.FLOATS, floats: [...value.floats] });
  return create(AttributeProtoSchema, { ...base, type: AttributeType.INTS, ints: value.map(BigInt) });
}
