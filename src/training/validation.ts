// How well the network tells people apart whom it is not trained on, measured as training goes on: which of its states becomes the
// model, and whether to go on.
import { gatherValues, together } from '../distributed/index.js';
import { areaUnderCurve, bestThreshold, cosineScores, rocCurve, trueAcceptRateAt } from '../evaluation/index.js';
import { embedImages, openModel } from '../models/index.js';
import type { SessionOptions } from '../runtime/index.js';
import type { HeldOut } from './held-out.js';
import { modelOf } from './model-of.js';
import type { Recipe } from './recipe.js';
import type { Trainer } from './trainer.js';
import { judged, type Measurement, type ValidationRecipe, type ValidationState } from './validation-state.js';

/** The false-accept rate of `tar`. */
const falseAcceptRate = 0.01;

/** Measures a run on the people it holds out. */
export class Validator {
  /** Images that cannot be read; pairs with one are left out of every measurement. */
  readonly unreadable = new Map<string, string>();

  /** @param state of a run that goes on. */
  constructor(
    private readonly recipe: Recipe,
    private readonly options: ValidationRecipe,
    private readonly people: HeldOut,
    private readonly session: SessionOptions,
    public state: ValidationState | undefined,
  ) {}

  /** How many people are measured on. */
  get identities(): number {
    return this.people.identities.length;
  }

  /** Whether to measure after so many steps. */
  isDue(iteration: number): boolean {
    return iteration % this.options.every === 0 || iteration === this.recipe.solver.iterations;
  }

  /** Whether the last measurements were worse for so long that it is not worth going on. */
  get isOver(): boolean {
    const { patience } = this.options;
    return patience !== null && this.state !== undefined && this.state.worse >= patience;
  }

  /** Measures the network as it stands, and remembers it if it is the best. Every rank calls it. */
  async measure(trainer: Trainer): Promise<Measurement> {
    const { communicator } = trainer;
    // By one rank: others might get other last bits, and decide otherwise.
    const own = await together(communicator, () =>
      communicator.rank === 0 ? modelOf(trainer).then((model) => this.scores(model)) : Promise.resolve(null),
    );
    const [scores] = await gatherValues(communicator, own);
    const now = { iteration: trainer.done, ...scores! };
    this.state = judged(this.state, now, this.options);
    return now;
  }

  private async scores(network: Uint8Array): Promise<Omit<Measurement, 'iteration'>> {
    const { source, pairs } = this.people;
    const { device, threads } = this.session;
    await using model = await openModel(network, { device, threads });
    const wanted = [...new Set(pairs.flatMap(({ left, right }) => [left, right]))].sort((a, b) => a - b);
    const rows = new Map<number, number>();
    const data = new Float32Array(wanted.length * model.embeddingSize);
    for await (const batch of embedImages(model, source, { indices: wanted, fit: this.recipe.data.fit })) {
      data.set(batch.embeddings, rows.size * model.embeddingSize);
      for (const index of batch.indices) rows.set(index, rows.size);
      for (const { file, error } of batch.failures) this.unreadable.set(file, error);
    }
    const used = pairs.filter(({ left, right }) => rows.has(left) && rows.has(right));
    const set = {
      left: Int32Array.from(used, ({ left }) => rows.get(left)!),
      right: Int32Array.from(used, ({ right }) => rows.get(right)!),
      same: Uint8Array.from(used, ({ same }) => Number(same)),
    };
    const curve = rocCurve(cosineScores({ data, count: rows.size, size: model.embeddingSize }, set), set.same);
    return {
      accuracy: bestThreshold(curve).accuracy,
      tar: trueAcceptRateAt(curve, falseAcceptRate),
      auc: areaUnderCurve(curve),
    };
  }
}

/**
 * What measures a run on the people that it holds out; `undefined` where it holds out none.
 * @param state of a run that goes on
 */
export function validatorOf(
  recipe: Recipe,
  heldOut: HeldOut | undefined,
  { device, threads }: SessionOptions,
  state?: ValidationState,
): Validator | undefined {
  if (recipe.validation === null || heldOut === undefined) return undefined;
  return new Validator(recipe, recipe.validation, heldOut, { device, threads }, state);
}
