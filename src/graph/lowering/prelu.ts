// The forms of PReLU: the runtime's own operator, and two for the CPU, where that operator uses one thread.
import { constantOf } from '../constant.js';
import type { EmitOptions, Emitter, Node, Value } from '../value.js';
import { type Layout, layoutOrder } from './layout.js';

/** Emits PReLU with slopes [c] over x [n, c, …]. */
export function lowerPrelu(emitter: Emitter, { inputs: [x, slope], outputs: [y] }: Node<Record<string, never>>): void {
  const layout = emitter.layoutFor([x], y);
  const channelAxis = x.rank === 4 ? layoutOrder(layout).indexOf(1) : 1;
  const shape = emitter.ints([slope.shape[0], ...x.shape.slice(channelAxis + 1).map(() => 1)]);
  const [from, to] = [emitter.nameIn(x, layout), emitter.nameIn(y, layout)];
  if (emitter.target.device !== 'cpu') {
    emitter.node('PRelu', [from, emitter.node('Reshape', [emitter.nameOf(slope), shape])], { outputs: [to] });
    return;
  }
  const slopes = x.rank === 4 ? gentleSlopes(slope, layout) : undefined;
  if (slopes === undefined) threePasses(emitter, from, slope, shape, to);
  else twoConvolutions(emitter, from, slopes, to);
}

/** Slopes that are known and at most 1, of a picture in the standard layout: what {@link twoConvolutions} takes. */
function gentleSlopes(slope: Value, layout: Layout): Float32Array | undefined {
  const slopes = constantOf(slope)?.data;
  const gentle = layout === 'standard' && slopes instanceof Float32Array && slopes.every((s) => s <= 1);
  return gentle ? slopes : undefined;
}

/** Emits min(x, 0), as `Clip`: `Min` takes twice as long. */
export function lowerNegativePart(emitter: Emitter, x: string, options: EmitOptions = {}): string {
  return emitter.node('Clip', [x, '', emitter.float(0)], options);
}

/** x + (slope − 1) · min(x, 0): three passes over memory, on all threads. */
function threePasses(emitter: Emitter, x: string, slope: Value, shape: string, y: string): void {
  const less = emitter.node('Reshape', [emitter.node('Sub', [emitter.nameOf(slope), emitter.float(1)]), shape]);
  const change = emitter.node('Mul', [lowerNegativePart(emitter, x), less]);
  emitter.node('Add', [x, change], { outputs: [y] });
}

/**
 * slope · x + relu((1 − slope) · x) for slopes up to 1: two Convs of one weight per channel, two passes. Between convolutions with
 * constant weights, which the runtime holds in its blocked layout, anything but a Conv would force it out of it.
 */
function twoConvolutions(emitter: Emitter, x: string, slopes: Float32Array, y: string): void {
  const scaled = (factors: Float32Array): string => {
    const shape = [factors.length, 1, 1, 1];
    const weights = emitter.initializer({ data: factors, dtype: 'float32', shape }, emitter.fresh('slopes'));
    return emitter.node('Conv', [x, weights], { attributes: { group: factors.length, kernel_shape: [1, 1] } });
  };
  const above = emitter.node('Relu', [scaled(slopes.map((s) => 1 - s))]);
  emitter.node('Add', [scaled(slopes), above], { outputs: [y] });
}
