// An evaluation from pair files and a set of images: finds the images, has them embedded, keeps account of what is missing.
import { counted } from '../common/counted.js';
import { lineOf, SphereFaceError, UsageError } from '../common/errors.js';
import { type Evaluation, evaluatePairs } from './evaluate.js';
import { evaluateIdentification, type IdentificationNumbers } from './identification.js';
import type { BootstrapOptions, Embeddings, LabelledEmbeddings, PairSet, Protocol } from './metrics/index.js';
import {
  ImageNames,
  type ListedImage,
  type MissingPair,
  type Pair,
  type PairFile,
  type ResolvedPairs,
  resolvePairs,
} from './pairs/index.js';

/** Some embedded images: row k of `embeddings` belongs to image `indices[k]`. */
export interface EmbeddedRows {
  readonly indices: readonly number[];
  readonly embeddings: Float32Array;
  /** Images that could not be read. */
  readonly failures: readonly { readonly file: string; readonly error: string }[];
}

/** Embeds the images of these indices; the order does not matter, batches may come as they are done. */
export type Embedder = (indices: readonly number[]) => AsyncIterable<EmbeddedRows>;

/** What to evaluate. */
export interface EvaluationRun {
  readonly protocol: Protocol;
  readonly pairFile: PairFile;
  /** `view1` only: the pairs that the threshold is chosen on. */
  readonly thresholdPairFile?: PairFile;
  /** `k-fold` only. */
  readonly folds?: number;
  /** Identification, beside the pairs. */
  readonly gallery?: readonly ListedImage[];
  readonly probes?: readonly ListedImage[];
  /** The images by the names that the pair files use, and how to embed them. */
  readonly images: ImageNames;
  readonly embed: Embedder;
  /** Go on without the pairs whose images are missing. */
  readonly allowMissing: boolean;
  readonly bootstrap?: BootstrapOptions;
}

/** What came of it. */
export interface EvaluationRunResult {
  readonly evaluation: Evaluation;
  readonly identification?: IdentificationNumbers;
  /** The pairs that were used, in the order of the evaluation's arrays. */
  readonly used: readonly Pair[];
  readonly missing: readonly MissingPair[];
  /** The threshold pairs that could not be used. */
  readonly missingThresholdPairs: readonly MissingPair[];
  /** Gallery and probe images that could not be used. */
  readonly missingListed: readonly MissingImage[];
}

/** An image of a list that cannot be used, and why. */
export interface MissingImage {
  readonly line: number;
  readonly file: string;
  readonly reason: string;
}

/** How many missing pairs an error names; `missing` holds all. */
const namedMissing = 20;

/** Images are missing and the run may not go on without them. */
export class MissingImagesError extends SphereFaceError {
  constructor(readonly missing: readonly (MissingPair | MissingImage)[]) {
    const named = missing.slice(0, namedMissing).map(({ line, reason }) => `line ${line}: ${reason}`);
    if (missing.length > namedMissing) named.push(`and ${missing.length - namedMissing} more`);
    super(`${counted(missing.length, 'pair or listed image', 'pairs or listed images')} cannot be used`, {
      got: named.join('\n       '),
      expected: 'every image of the lists among the images',
      next: 'check --images, or evaluate the rest with --allow-missing: every output then says how many were used',
    });
  }
}

/**
 * Runs an evaluation.
 * @throws MissingImagesError if images are missing or unreadable, unless `allowMissing`.
 */
export async function runEvaluation(run: EvaluationRun): Promise<EvaluationRunResult> {
  if ((run.gallery === undefined) !== (run.probes === undefined)) {
    throw new UsageError('Identification needs a gallery and probes', {
      got: run.gallery === undefined ? 'probes without a gallery' : 'a gallery without probes',
    });
  }
  if (run.folds !== undefined && !(run.folds >= 2)) {
    throw new UsageError('One fold leaves no pairs to choose a threshold on.', {
      got: `\`folds\` ${run.folds}`,
      expected: '2 folds or more',
    });
  }
  const { images } = run;
  const tested = resolvePairs(run.pairFile.pairs, images);
  const threshold = run.thresholdPairFile === undefined ? undefined : resolvePairs(run.thresholdPairFile.pairs, images);
  const gallery = resolveList(run.gallery ?? [], images);
  const probes = resolveList(run.probes ?? [], images);
  refuse(run, tested.missing, threshold?.missing ?? [], gallery.missing, probes.missing);

  const needed = new Set<number>();
  for (const { left, right } of threshold === undefined ? [tested] : [tested, threshold]) {
    for (const index of left) needed.add(index);
    for (const index of right) needed.add(index);
  }
  for (const { found } of [gallery, probes]) for (const [index] of found) needed.add(index);
  const embedded = await collect(run, [...needed]);

  const pairs = readablePairs(run.pairFile.pairs, tested, embedded, images);
  const thresholds = threshold && readablePairs(run.thresholdPairFile!.pairs, threshold, embedded, images);
  const readableGallery = readableList(gallery, embedded, images);
  const readableProbes = readableList(probes, embedded, images);
  refuse(run, pairs.missing, thresholds?.missing ?? [], readableGallery.missing, readableProbes.missing);
  if (pairs.used.length === 0) {
    throw new SphereFaceError('No pair can be used', {
      got: `${pairs.missing.length} pairs, all with missing images; the first: ${pairs.missing[0]?.reason}`,
      expected: 'images named as the pair file names them',
      next: `compare with the images' own names, for instance ${images.entries[0]?.file}`,
    });
  }

  const { fold, folds } = run.pairFile;
  const evaluation = evaluatePairs({
    protocol: run.protocol,
    embeddings: embedded.embeddings,
    pairs: {
      ...pairs.set,
      ...(fold === undefined || folds === undefined ? {} : { fold: pairs.kept.map((pair) => fold[pair]), folds }),
    },
    ...(thresholds === undefined ? {} : { thresholdPairs: thresholds.set }),
    ...(run.folds === undefined ? {} : { folds: run.folds }),
    ...(run.bootstrap === undefined ? {} : { bootstrap: run.bootstrap }),
  });
  const identification =
    run.gallery === undefined
      ? undefined
      : evaluateIdentification(
          labelled(readableGallery, embedded.embeddings),
          labelled(readableProbes, embedded.embeddings),
        );
  return {
    evaluation,
    ...(identification === undefined ? {} : { identification }),
    used: pairs.used,
    missing: pairs.missing,
    missingThresholdPairs: thresholds?.missing ?? [],
    missingListed: [...readableGallery.missing, ...readableProbes.missing],
  };
}

function refuse(run: EvaluationRun, ...missing: readonly (readonly (MissingPair | MissingImage)[])[]): void {
  if (!run.allowMissing && missing.some((list) => list.length > 0)) throw new MissingImagesError(missing.flat());
}

interface Collected {
  readonly embeddings: Embeddings;
  /** The row of each image. */
  readonly rows: ReadonlyMap<number, number>;
  /** Why an image has none, by path. */
  readonly errors: ReadonlyMap<string, string>;
}

async function collect(run: EvaluationRun, indices: readonly number[]): Promise<Collected> {
  const rows = new Map<number, number>();
  const errors = new Map<string, string>();
  let data = new Float32Array(0);
  let size = 0;
  for await (const batch of run.embed(indices)) {
    for (const { file, error } of batch.failures) errors.set(file, lineOf(error));
    if (batch.indices.length === 0) continue;
    if (size === 0) {
      size = batch.embeddings.length / batch.indices.length;
      data = new Float32Array(indices.length * size);
    }
    data.set(batch.embeddings, rows.size * size);
    for (const index of batch.indices) rows.set(index, rows.size);
  }
  return {
    embeddings: { data: data.subarray(0, rows.size * size), count: rows.size, size },
    rows,
    errors,
  };
}

interface ReadablePairs {
  readonly set: PairSet;
  /** Indices among the file's pairs. */
  readonly kept: Uint32Array;
  readonly used: readonly Pair[];
  readonly missing: readonly MissingPair[];
}

/** The resolved pairs both of whose images were embedded. */
function readablePairs(
  pairs: readonly Pair[],
  resolved: ResolvedPairs,
  { rows, errors }: Collected,
  names: ImageNames,
): ReadablePairs {
  const missing = [...resolved.missing];
  const kept: number[] = [];
  const left: number[] = [];
  const right: number[] = [];
  for (const [i, pair] of resolved.kept.entries()) {
    const images = [resolved.left[i], resolved.right[i]];
    const unreadable = [...new Set(images)].filter((index) => !rows.has(index));
    if (unreadable.length > 0) {
      const { line, a, b } = pairs[pair];
      missing.push({
        line,
        a,
        b,
        reason: unreadable.map((index) => unread(names.entries[index].file, errors)).join('; '),
      });
      continue;
    }
    kept.push(pair);
    left.push(rows.get(images[0])!);
    right.push(rows.get(images[1])!);
  }
  const used = kept.map((pair) => pairs[pair]);
  return {
    set: {
      left: Int32Array.from(left),
      right: Int32Array.from(right),
      same: Uint8Array.from(used, (pair) => Number(pair.same)),
    },
    kept: Uint32Array.from(kept),
    used,
    missing: missing.sort((x, y) => x.line - y.line),
  };
}

function unread(file: string, errors: ReadonlyMap<string, string>): string {
  return `cannot use ${file}: ${errors.get(file) ?? 'no embedding came back'}`;
}

interface ResolvedList {
  /** Image index and identity. */
  readonly found: readonly (readonly [index: number, image: ListedImage])[];
  readonly missing: readonly MissingImage[];
}

function resolveList(list: readonly ListedImage[], names: ImageNames): ResolvedList {
  const found: [number, ListedImage][] = [];
  const missing: MissingImage[] = [];
  for (const image of list) {
    const index = names.find(image.file);
    if (typeof index === 'number') found.push([index, image]);
    else missing.push({ line: image.line, file: image.file, reason: index.reason });
  }
  return { found, missing };
}

interface ReadableList {
  readonly rows: readonly number[];
  readonly identities: readonly string[];
  readonly missing: readonly MissingImage[];
}

function readableList(list: ResolvedList, { rows, errors }: Collected, names: ImageNames): ReadableList {
  const readable = list.found.filter(([index]) => rows.has(index));
  const unreadable = list.found.filter(([index]) => !rows.has(index));
  return {
    rows: readable.map(([index]) => rows.get(index)!),
    identities: readable.map(([, image]) => image.identity),
    missing: [
      ...list.missing,
      ...unreadable.map(([index, { line, file }]) => ({
        line,
        file,
        reason: unread(names.entries[index].file, errors),
      })),
    ],
  };
}

function labelled({ rows, identities }: ReadableList, { data, size }: Embeddings): LabelledEmbeddings {
  const chosen = new Float64Array(rows.length * size);
  for (const [i, row] of rows.entries()) chosen.set(data.subarray(row * size, (row + 1) * size), i * size);
  return { data: chosen, count: rows.length, size, identities };
}
