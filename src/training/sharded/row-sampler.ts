// Which of its rows a process takes into a pass: those of the batch's identities, and others at random (An et al., "Partial FC", 2021).
import { Random } from '../../common/random.js';

/** Separates these draws from the fillers' and the sampler's of the same seed: sequences from this one on. */
const firstStream = 2 ** 20;

/** When rows are drawn, and by whom. What is drawn follows from this, the seed and the labels alone: there is no state to be stored. */
export interface Draw {
  /** 0-based count of passes since the run began. */
  readonly pass: number;
  readonly rank: number;
  readonly size: number;
}

/** Draws as many rows for every pass, so that graphs of one shape compute them. */
export class RowSampler {
  /** Rows of a pass. */
  readonly count: number;
  private readonly taken: Uint8Array;

  /**
   * @param held rows that the process holds. @param rate share of them that takes part, in (0, 1].
   * @param batch images of a pass: at least as many rows are taken, as each image may have its own.
   */
  constructor(
    private readonly held: number,
    rate: number,
    batch: number,
    private readonly seed: number,
  ) {
    this.count = Math.min(held, Math.max(Math.ceil(rate * held), batch));
    this.taken = new Uint8Array(held);
  }

  /** Whether every row takes part in every pass. */
  get takesAll(): boolean {
    return this.count === this.held;
  }

  /** @param wanted the places of rows that must be among them, with repeats. @returns `count` different places, ascending. */
  draw(wanted: Iterable<number>, { pass, rank, size }: Draw): Int32Array {
    const { held, count, taken } = this;
    const random = new Random(this.seed, firstStream + pass * size + rank);
    taken.fill(0);
    let chosen = 0;
    for (const row of wanted) {
      if (taken[row] === 0) chosen++;
      taken[row] = 1;
    }
    // Drawn again where it has been drawn: those to be taken, or, where that is most of them, those to be left.
    const free = held - chosen;
    const missing = count - chosen;
    const leave = missing > free / 2;
    for (let drawn = leave ? free - missing : missing; drawn > 0;) {
      const row = random.integer(held);
      if (taken[row] !== 0) continue;
      taken[row] = leave ? 2 : 1;
      drawn--;
    }
    const rows = new Int32Array(count);
    let at = 0;
    for (let row = 0; row < held; row++) if (leave ? taken[row] !== 2 : taken[row] === 1) rows[at++] = row;
    return rows;
  }
}
