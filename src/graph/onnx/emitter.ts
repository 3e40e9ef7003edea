// Writes ONNX nodes while a graph is serialised: names, initializers, attributes, and lowered forms computed only once.
import { create } from '@bufbuild/protobuf';
import { toFloat16 } from '../../common/float16.js';
import { columnTile, inverseOrder, type Layout, layoutOrder } from '../lowering/layout.js';
import type { NodePrecision, Precision } from '../lowering/precision.js';
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
import type {
  AttributeValue,
  ConstantData,
  DType,
  EmitOptions,
  Emitter,
  FormCase,
  FormChoice,
  Node,
  Shape,
  Value,
} from '../value.js';
import { dataTypeOf } from './data-type.js';
import { fullPrecision, precisionOf } from './node-precision.js';

/** Collects the nodes and stored tensors of a model while its ops are emitted. */
export class OnnxEmitter implements Emitter {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  /** Operator domains in use besides ONNX's own. */
  readonly domains = new Set<string>();
  private readonly held = new Map<Value, Held>();
  /** The node that is being emitted, and in which precision. */
  private current: { readonly node?: Node; readonly precision: NodePrecision } = { precision: fullPrecision };
  private readonly memo = new Map<string, string>();
  private readonly taken = new Set<string>();
  private counter = 0;

  /**
   * @param used the values that some emitted node or model output reads
   * @param outputs the name and layout that some values have as outputs of the model
   * @param choice of forms, where some were found to be faster than others
   */
  constructor(
    readonly target: Target,
    private readonly used: ReadonlySet<Value>,
    private readonly outputs: ReadonlyMap<Value, { readonly name: string; readonly layout: Layout }>,
    private readonly choice: FormChoice = () => undefined,
  ) {
    for (const { name } of outputs.values()) this.taken.add(name);
  }

  get precision(): Precision {
    return this.current.precision.inputs;
  }

  /** Writes the operators of a node, in the precision that its op takes on this target. */
  emit(node: Node): void {
    const isHalf = (value: Value) => this.held.get(value)?.computed.precision === 'float16';
    this.current = { node, precision: precisionOf(node, this.target, isHalf) };
    node.op.emit(this, node);
    this.current = { precision: fullPrecision };
  }

  choose<F extends string>(forms: readonly F[], about: Pick<FormCase, 'key' | 'work'>): F {
    const found = this.choice({ ...about, forms, node: this.current.node! });
    return forms.find((form) => form === found) ?? forms[0];
  }

  isUsed(value: Value): boolean {
    return this.used.has(value);
  }

  nameOf(value: Value): string {
    return this.nameIn(value, 'standard');
  }

  nameIn(value: Value, asked: Layout): string {
    const form = { layout: distinct(asked, value.shape), precision: this.precisionFor(value) };
    const held = this.held.get(value);
    const name = held?.names.get(keyOf(form));
    if (name !== undefined) return name;
    if (held === undefined) return this.holdIn(value, form, this.nameFor(value, form));
    const { computed } = held;
    return computed.layout === form.layout
      ? this.holdIn(value, form, this.converted(value, held.names.get(keyOf(computed))!, form))
      : this.holdIn(value, form, this.moved(value, computed.layout, form.layout));
  }

  /** In which precision the current node wants an input, or gives an output. */
  private precisionFor(value: Value): Precision {
    if (value.dtype !== 'float32') return 'float32';
    const { node, precision } = this.current;
    return node !== undefined && value.producer === node ? precision.outputs : precision.inputs;
  }

  private converted(value: Value, from: string, form: Form): string {
    const output = this.outputs.get(value);
    const outputs = isFormOf(output, form) ? [output!.name] : undefined;
    return this.cast(from, form.precision, { outputs });
  }

  cast(name: string, to: Precision, options: EmitOptions = {}): string {
    return this.node('Cast', [name], { ...options, attributes: { to: dataTypeOf(to) } });
  }

  inFloat32(name: string): string {
    return this.precision === 'float16' ? this.cast(name, 'float32') : name;
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

  /** States that a value lies in a layout under a name, as it is. */
  hold(value: Value, layout: Layout, name: string): string {
    return this.holdIn(value, { layout: distinct(layout, value.shape), precision: 'float32' }, name);
  }

  private holdIn(value: Value, form: Form, name: string): string {
    const held = this.held.get(value) ?? { computed: form, names: new Map<string, string>() };
    held.names.set(keyOf(form), name);
    this.held.set(value, held);
    this.taken.add(name);
    return name;
  }

  layoutFor(inputs: readonly Value[], output: Value): Layout {
    for (const input of inputs) {
      const layout = this.held.get(input)?.computed.layout ?? 'standard';
      if (layout !== 'standard' && sameShape(input.shape, output.shape)) return layout;
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

  private nameFor(value: Value, form: Form): string {
    const output = this.outputs.get(value);
    if (isFormOf(output, form)) return output!.name;
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
    const { data, dtype } = this.precision === 'float16' ? inHalves(constant) : constant;
    this.initializers.push(
      create(TensorProtoSchema, {
        name,
        dims: constant.shape.map(BigInt),
        dataType: dataTypeOf(dtype),
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

  once(about: string, make: () => string): string {
    const key = `${this.precision}:${about}`;
    let name = this.memo.get(key);
    if (name === undefined) {
      name = make();
      this.memo.set(key, name);
    }
    return name;
  }
}

/** How a model holds a value. */
interface Form {
  readonly layout: Layout;
  readonly precision: Precision;
}

/** A value in a model. */
interface Held {
  /** The form that it was computed in; the others are made from it. */
  readonly computed: Form;
  /** Its names by {@link keyOf}. */
  readonly names: Map<string, string>;
}

const keyOf = ({ layout, precision }: Form): string => `${precision}:${layout}`;

/** Whether a form is that in which the model gives a value. */
function isFormOf(output: { readonly layout: Layout } | undefined, { layout, precision }: Form): boolean {
  return output?.layout === layout && precision === 'float32';
}

/** Constants of a node that computes in float16. */
function inHalves<C extends { readonly data: ConstantData; readonly dtype: DType }>(
  constant: C,
): Pick<C, 'data' | 'dtype'> {
  const { data } = constant;
  return data instanceof Float32Array ? { data: Uint16Array.from(data, toFloat16), dtype: 'float16' } : constant;
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
