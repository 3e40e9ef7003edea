// Depthwise convolutions in the order in which the CPU's engine itself keeps pictures between convolutions whose weights are constant: blocks of
// as many channels as its vectors hold, [n, c / block, h, w, block]. Weights that change it leaves in the standard order, where it unrolls
// every channel's windows; there and back again in blocks takes half as long.
import type { AttributeValue, Emitter } from '../value.js';
import type { Target } from './target.js';

/** The domain of the engine's own operators on blocks. */
export const blockedDomain = 'com.microsoft.nchwc';

/** Whether a target has blocks that so many channels fill. */
export function fillsBlocks(channels: number, { channelBlock }: Target): boolean {
  return channelBlock !== undefined && channels % channelBlock === 0;
}

/**
 * Emits a depthwise `Conv` of channels that {@link fillsBlocks}.
 * @param weights [c, 1, kh, kw]
 * @param attributes all that `Conv` has: the operator on blocks has no defaults
 */
export function blockedDepthwiseConv(
  emitter: Emitter,
  [x, weights, ...bias]: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> & {
    readonly group: number;
    readonly kernel_shape: readonly number[];
  },
  output: string,
): void {
  const { channelBlock: block } = emitter.target;
  const { group: channels, kernel_shape: kernel } = attributes;
  const taps = kernel[0] * kernel[1];
  const byBlock = emitter.node('Reshape', [weights, emitter.ints([channels / block!, block!, taps])]);
  const turned = emitter.node('Transpose', [byBlock], { attributes: { perm: [0, 2, 1] } });
  const filters = emitter.node('Reshape', [turned, emitter.ints([channels, 1, ...kernel])]);
  const blocks = emitter.node('ReorderInput', [x], { domain: blockedDomain });
  const results = emitter.node('Conv', [blocks, filters, ...bias], { domain: blockedDomain, attributes });
  emitter.node('ReorderOutput', [results], { domain: blockedDomain, attributes: { channels }, outputs: [output] });
}
