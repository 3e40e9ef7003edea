// Finds out in what blocks of channels this processor's engine keeps pictures: no interface of it says so, a model of one operator shows it.
import { blockedDomain, Graph, type Op, serialize, type Target } from '../graph/index.js';

/** A model that brings two pixels of sixteen channels, numbered from 0 to 31 channel by channel, into the engine's blocks. */
export function blockProbe(): { readonly model: Uint8Array; readonly shape: readonly number[] } {
  const reorder: Op<Record<string, never>> = {
    name: 'reorder',
    infer: ([x]) => [x],
    emit: (emitter, { inputs: [x], outputs: [y] }) =>
      void emitter.node('ReorderInput', [emitter.nameOf(x)], { domain: blockedDomain, outputs: [emitter.nameOf(y)] }),
    gradient: 'zero',
  };
  const graph = new Graph();
  const shape = [1, 16, 1, 2];
  const [y] = graph.apply(reorder, [graph.input('x', 'float32', shape)], {});
  return { model: serialize(graph, { outputs: { y } }), shape };
}

/** The channels of a block, from what {@link blockProbe} gave; `undefined` where it is no order that this file knows. */
export function blockOf(values: ArrayLike<number>): Target['channelBlock'] {
  const pixels = 2;
  const isIn = (block: number) =>
    Array.from(values).every((value, i) => {
      const [inBlock, pixel] = [i % block, Math.floor(i / block) % pixels];
      return value === (Math.floor(i / (block * pixels)) * block + inBlock) * pixels + pixel;
    });
  return ([8, 16] as const).find((block) => isIn(block));
}
