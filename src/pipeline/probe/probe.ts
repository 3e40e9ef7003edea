// The input convention of a model that states none, found by trying: the one under which the model tells people apart best.
import { InterruptedError, UsageError } from '../../common/errors.js';
import { cosine } from '../../evaluation/index.js';
import { loadMtcnnWeights, templates } from '../../faces/index.js';
import { type InputSpec, openImageSource } from '../../images/index.js';
import { openModel, picturesOf, readMetadata } from '../../models/index.js';
import type { Device } from '../../runtime/index.js';
import { weightsPlace } from '../weights-place.js';
import { type Convention, conventionsFor, fittingTemplates } from './conventions.js';
import { mostPeople, probePhotos, templatesOf } from './probe-photos.js';
import { agreement, type Pairs, pairsOf, type Separation, separationOf } from './separation.js';

export interface ProbeOptions {
  /** A folder of identity folders, a zip or a list; photos, or crops with their manifest. */
  readonly photos: string;
  /** The output that is the embedding, where the model has several that could be it. */
  readonly modelOutput?: string;
  /** The folder of the detector's weights; by default the cache. */
  readonly models?: string;
  readonly device?: Device;
  readonly threads: number;
  readonly log?: (line: string) => void;
  /** Told about photos searched, then about conventions tried. */
  readonly onProgress?: (step: 'photos' | 'conventions', done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** A convention, and how well the model separates people under it. */
export interface ProbedConvention extends Convention, Separation {}

/** What a probe found. */
export interface Probe {
  /** The best first. */
  readonly conventions: readonly ProbedConvention[];
  /** The convention to use. */
  readonly input: InputSpec;
  /** Conventions under which the embeddings are those of the winner: it does not matter which of them is taken. */
  readonly equivalent: readonly ProbedConvention[];
  /** The best of the others, and in which share of draws of people the winner is ahead of it; `undefined` where all are equivalent. */
  readonly runnerUp: (ProbedConvention & { readonly agreement: number }) | undefined;
  readonly people: number;
  readonly photos: number;
  readonly problems: readonly { readonly file: string; readonly error: string }[];
  /** Why the result may be wrong, a sentence each. */
  readonly warnings: readonly string[];
}

/** Embeddings whose cosine is at least this on average are the same for any use. */
const sameEmbeddings = 0.998;
/** Below this agreement a winner is said to be uncertain. */
const sureAgreement = 0.95;
/** Fewer people are too few to tell conventions apart that lie close together. */
const fewPeople = 10;
/** A model that separates people worse than this even under the best convention does so by accident. */
const leastAuc = 0.8;

/**
 * Tries all conventions that fit a model's input on photos of people.
 * @param model a model file (.onnx) that does not state its convention
 * @throws UsageError for a model that does, and for one whose pictures have a size that no template has.
 */
export async function probeModel(model: string, options: ProbeOptions): Promise<Probe> {
  const { device, threads, modelOutput, onProgress, signal } = options;
  if ((await readMetadata(model)) !== undefined) {
    throw new UsageError(`${model} states its input convention; there is nothing to find.`, {
      next: 'use it as it is',
    });
  }
  const pictures = await picturesOf(model);
  const fitting = fittingTemplates(pictures);
  if (fitting.length === 0) {
    throw new UsageError(`There is no alignment template for the pictures of ${model}.`, {
      got: `${pictures.size!.height} high, ${pictures.size!.width} wide`,
      expected: Object.keys(templates).join(', '),
      next: 'describe its input with `inputSpec`, and give it crops of your own',
    });
  }
  await using source = await openImageSource(options.photos);
  const { photos, people, problems } = await probePhotos({
    source,
    templates: templatesOf(source, fitting),
    weights: async () => (await loadMtcnnWeights(weightsPlace(options))).weights,
    threads,
    ...(device === undefined || device === 'wasm' ? {} : { device }),
    ...(signal === undefined ? {} : { signal }),
    onProgress: (done, total) => onProgress?.('photos', done, total),
  });
  const person = photos.map((photo) => photo.person);

  const candidates = conventionsFor(pictures, templatesOf(source, fitting));
  const tried: {
    readonly convention: ProbedConvention;
    readonly rows: readonly Float32Array[];
    readonly pairs: Pairs;
  }[] = [];
  for (const [done, candidate] of candidates.entries()) {
    if (signal?.aborted === true) throw new InterruptedError();
    const { input } = candidate;
    await using network = await openModel(model, {
      threads,
      inputSpec: input,
      weightsBeside: true,
      ...(device === undefined ? {} : { device }),
      ...(modelOutput === undefined ? {} : { modelOutput }),
    });
    const crops = photos.map(({ crops: cut }) => cut.get(input.alignment.template)!);
    const values = await network.embed(crops);
    const size = network.embeddingSize;
    const rows = photos.map((_, i) => values.subarray(i * size, (i + 1) * size));
    const pairs = pairsOf(rows, person);
    tried.push({ convention: { ...candidate, ...separationOf(pairs) }, rows, pairs });
    onProgress?.('conventions', done + 1, candidates.length);
  }

  // The sort is stable: of equals the one that is more frequent stays first.
  const ranked = [...tried].sort((a, b) => b.convention.dPrime - a.convention.dPrime);
  const same = tried.filter(({ rows }) => meanCosine(rows, ranked[0].rows) >= sameEmbeddings);
  // Of those that are the same for any use, the most frequent.
  const [winner] = same;
  const next = ranked.find((candidate) => !same.includes(candidate));
  const runnerUp =
    next === undefined ? undefined : { ...next.convention, agreement: agreement(winner.pairs, next.pairs, people) };
  return {
    conventions: ranked.map(({ convention }) => convention),
    input: winner.convention.input,
    equivalent: same.slice(1).map(({ convention }) => convention),
    runnerUp,
    people,
    photos: photos.length,
    problems,
    warnings: warningsOf(winner.convention, runnerUp, people),
  };
}

function meanCosine(a: readonly Float32Array[], b: readonly Float32Array[]): number {
  const usable = [a, b].every((rows) => rows.every((row) => row.every(Number.isFinite) && row.some((x) => x !== 0)));
  return usable ? a.reduce((sum, row, i) => sum + cosine(row, b[i]), 0) / a.length : a === b ? 1 : 0;
}

function warningsOf(winner: ProbedConvention, runnerUp: Probe['runnerUp'], people: number): string[] {
  const warnings: string[] = [];
  if (people < fewPeople) {
    warnings.push(`only ${people} people have two photos or more: give at least ${fewPeople}, better ${mostPeople}`);
  }
  if (runnerUp !== undefined && runnerUp.agreement < sureAgreement) {
    warnings.push(
      `too close to call: with other people the second might win in ${Math.round((1 - runnerUp.agreement) * 100)} % of cases; give more people, or the convention itself`,
    );
  }
  if (winner.auc < leastAuc) {
    warnings.push(
      `the model hardly separates these people under any convention (AUC ${winner.auc.toFixed(3)}): it may be no face embedder, or want pictures that are made in another way`,
    );
  }
  return warnings;
}
