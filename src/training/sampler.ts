// Which image comes next: every image once an epoch in a new order, or every identity equally often. The state is small and exact.
import { SphereFaceError } from '../common/errors.js';
import { Random, type RandomState } from '../common/random.js';

/** How images are drawn. */
export type SamplerKind = 'shuffle' | 'balanced';

/** All that is needed to go on from a place in the sequence. */
export interface SamplerState {
  /** The generator as it was before the running epoch's order was drawn. */
  readonly epochStart: RandomState;
  /** Images of that order already given out. */
  readonly position: number;
  /** Finished epochs. */
  readonly epoch: number;
  /** The generator now. */
  readonly random: RandomState;
}

/** One drawn image: its place in the source, and its own random words for augmentation. */
export interface Sample {
  readonly index: number;
  readonly mirrorDraw: number;
  readonly shiftDraw: readonly [number, number];
  readonly lightDraw: readonly [number, number];
}

/**
 * An endless sequence of images, the same for the same seed, whatever is prefetched: augmentation draws come from the same
 * generator at the moment an image is drawn, not when it is decoded.
 */
export class Sampler {
  private random: Random;
  private epochStart: RandomState;
  private order: Uint32Array;
  private position = 0;
  private epoch = 0;

  /** @param labels the class of every image, 0 … classes − 1. */
  constructor(
    private readonly kind: SamplerKind,
    private readonly labels: readonly number[],
    seed: number,
  ) {
    if (labels.length === 0) throw new SphereFaceError('There are no images to sample from.');
    this.random = new Random(seed, samplerStream);
    this.epochStart = this.random.state;
    this.order = this.drawOrder();
  }

  /** The state to continue from, after the samples given out so far. */
  get state(): SamplerState {
    return { epochStart: this.epochStart, position: this.position, epoch: this.epoch, random: this.random.state };
  }

  /** Goes to a stored place in the sequence. */
  restore(state: SamplerState): void {
    this.random = Random.fromState(state.epochStart);
    this.epochStart = state.epochStart;
    this.order = this.drawOrder();
    if (state.position < 0 || state.position > this.order.length) {
      throw new SphereFaceError('The stored place in the data does not exist.', {
        got: `image ${state.position}`,
        expected: `0 to ${this.order.length}`,
        next: 'resume with the data that the run was started with',
      });
    }
    this.position = state.position;
    this.epoch = state.epoch;
    this.random = Random.fromState(state.random);
  }

  /** The next `count` samples; a batch may span two epochs. */
  next(count: number): Sample[] {
    const samples: Sample[] = [];
    while (samples.length < count) {
      if (this.position === this.order.length) {
        this.epochStart = this.random.state;
        this.order = this.drawOrder();
        this.position = 0;
        this.epoch++;
      }
      const index = this.order[this.position++];
      const draw = () => this.random.uniform();
      samples.push({ index, mirrorDraw: draw(), shiftDraw: [draw(), draw()], lightDraw: [draw(), draw()] });
    }
    return samples;
  }

  private drawOrder(): Uint32Array {
    switch (this.kind) {
      case 'shuffle': {
        const order = Uint32Array.from(this.labels, (_, index) => index);
        this.random.shuffle(order);
        return order;
      }
      case 'balanced':
        return balancedOrder(this.labels, this.random);
      default:
        return this.kind satisfies never;
    }
  }
}

/** Separates the sampler's sequence from the fillers' of the same seed. */
const samplerStream = 1;

/** As many images as there are, identity after identity in shuffled rounds, an image of each drawn at random. */
function balancedOrder(labels: readonly number[], random: Random): Uint32Array {
  const members = new Map<number, number[]>();
  labels.forEach((label, index) => {
    const list = members.get(label);
    if (list === undefined) members.set(label, [index]);
    else list.push(index);
  });
  const order = new Uint32Array(labels.length);
  const identities = [...members.values()];
  for (let filled = 0; filled < order.length;) {
    random.shuffle(identities);
    for (const images of identities) {
      if (filled === order.length) break;
      order[filled++] = images[random.integer(images.length)];
    }
  }
  return order;
}
