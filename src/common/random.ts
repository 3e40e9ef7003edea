// The one random generator of the project: seeded, fast, and with a state that can be stored and restored.

/** The whole state of a {@link Random}: four unsigned 32-bit integers. */
export type RandomState = readonly [number, number, number, number];

/**
 * Small Fast Counter generator, 32 bit (Chris Doty-Humphrey's sfc32, PractRand): passes PractRand and BigCrush,
 * 128 bits of state. The sequence depends on the seed alone, on every platform.
 */
export class Random {
  private a = 0;
  private b = 0;
  private c = 0;
  private counter = 1;

  /** @param seed an integer; `stream` separates independent sequences of one seed (say, weights and shuffling). */
  constructor(seed: number, stream = 0) {
    this.a = seed | 0;
    this.b = stream | 0;
    this.c = Math.floor(seed / 2 ** 32) | 0;
    for (let i = 0; i < 15; i++) this.uint32();
  }

  static fromState(state: RandomState): Random {
    const random = new Random(0);
    [random.a, random.b, random.c, random.counter] = state.map((word) => word | 0) as [number, number, number, number];
    return random;
  }

  get state(): RandomState {
    return [this.a >>> 0, this.b >>> 0, this.c >>> 0, this.counter >>> 0];
  }

  /** Uniform over 0 … 2³² − 1. */
  uint32(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Goes on as after so many numbers of 32 bits. */
  skip(count: number): void {
    for (let i = 0; i < count; i++) this.uint32();
  }

  /** Uniform over [0, 1), 53 bits: two numbers of 32. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  /** Uniform over [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** Uniform over 0 … count − 1, without modulo bias for any count below 2³². */
  integer(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  /** Gaussian by Box and Muller; one of each pair is discarded so that the state is the four words alone. */
  gaussian(mean = 0, std = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return mean + std * radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Fisher and Yates, in place. */
  shuffle<T>(items: T[] | Int32Array | Uint32Array): void {
    const list = items as T[];
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const held = list[i];
      list[i] = list[j];
      list[j] = held;
    }
  }
}
