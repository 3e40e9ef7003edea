// Matrix products, plain and batched, with either side transposed.
import { broadcastShape, requireSameDType, ShapeError } from '../shapes.js';
import type { EmitOptions, Op, Value } from '../value.js';
import { sumTo } from './arithmetic.js';

export interface MatmulOptions {
  /** Use the left matrix transposed; default false. */
  readonly transposeA?: boolean;
  /** Use the right matrix transposed; default false. */
  readonly transposeB?: boolean;
}

interface MatmulAttributes extends Record<string, unknown> {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

const matmulOp: Op<MatmulAttributes> = {
  name: 'matmul',
  half: 'sum',
  infer: ([a, b], { transposeA, transposeB }) => {
    requireSameDType('matmul', [a, b]);
    if (a.rank < 2 || b.rank < 2) throw new ShapeError('matmul', [a, b], 'at least two axes each');
    const [m, k] = matrix(a, transposeA);
    const [k2, n] = matrix(b, transposeB);
    const lead = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    if (k !== k2 || lead === undefined) {
      throw new ShapeError(
        'matmul',
        [a, b],
        `[…, m, k] and […, k, n]; here k is ${k} and ${k2}${transposeA ? ', A transposed' : ''}${transposeB ? ', B transposed' : ''}`,
      );
    }
    return [{ dtype: a.dtype, shape: [...lead, m, n] }];
  },
  emit: (emitter, { inputs: [a, b], attributes: { transposeA, transposeB }, outputs: [y] }) => {
    const product = (onnx: string, operands: readonly string[], options: EmitOptions = {}) => {
      const outputs = [emitter.nameOf(y)];
      if (emitter.precision === 'float32') emitter.node(onnx, operands, { ...options, outputs });
      else emitter.cast(emitter.node(onnx, operands, options), 'float32', { outputs });
    };
    if (a.rank === 2 && b.rank === 2 && (transposeA || transposeB)) {
      const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 };
      product('Gemm', [emitter.nameOf(a), emitter.nameOf(b)], { attributes });
      return;
    }
    const operand = (x: Value, transposed: boolean) =>
      transposed
        ? emitter.once(`swap:${emitter.nameOf(x)}`, () =>
            emitter.node('Transpose', [emitter.nameOf(x)], {
              attributes: { perm: [...x.shape.keys()].slice(0, -2).concat(x.rank - 1, x.rank - 2) },
            }),
          )
        : emitter.nameOf(x);
    product('MatMul', [operand(a, transposeA), operand(b, transposeB)]);
  },
  gradient: ({ inputs: [a, b], attributes: { transposeA, transposeB } }, [dy], needed) => {
    // With y = A B: dA = dy Bᵀ and dB = Aᵀ dy; transposing a side transposes its gradient.
    const da = () =>
      transposeA
        ? matmul(b, dy!, { transposeA: transposeB, transposeB: true })
        : matmul(dy!, b, { transposeB: !transposeB });
    const db = () =>
      transposeB
        ? matmul(dy!, a, { transposeA: true, transposeB: transposeA })
        : matmul(a, dy!, { transposeA: !transposeA });
    return [needed[0] ? sumTo(da(), a.shape) : undefined, needed[1] ? sumTo(db(), b.shape) : undefined];
  },
};

function matrix(x: Value, transposed: boolean): [number, number] {
  const [rows, columns] = x.shape.slice(-2);
  return transposed ? [columns, rows] : [rows, columns];
}

/** `A B` over the last two axes; leading axes broadcast. */
export function matmul(a: Value, b: Value, { transposeA = false, transposeB = false }: MatmulOptions = {}): Value {
  return a.graph.apply(matmulOp, [a, b], { transposeA, transposeB })[0];
}
