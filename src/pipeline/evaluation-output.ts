// What an evaluation leaves behind: result.json, index.html, and the list of what was missing.
import { mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeFileAtomic } from '../common/atomic.js';
import { SphereFaceError } from '../common/errors.js';
import type { EvaluationNumbers } from '../evaluation/evaluate.js';
import { type Mistake, worstMistakes } from '../evaluation/mistakes.js';
import type { Facts } from '../evaluation/report/page.js';
import type { PicturedPair } from '../evaluation/report/report.js';
import type { EvaluationRunResult, MissingImagesError } from '../evaluation/run.js';
import { packageVersion } from '../common/version.js';
import { type CropManifest, describeAlignment } from '../images/index.js';
import { type Model } from '../models/index.js';
import type { EvaluationData } from './evaluation-data.js';

/** Beside a report's files, the whole list of missing images of a run that failed for them. */
const missingFile = 'missing.json';

/** What of the request the files repeat. */
export interface OutputOptions {
  /** The pair files' paths. */
  readonly pairs: string;
  readonly thresholdPairs?: string;
  readonly flip: boolean;
  /** The folder of the report. */
  readonly output: string;
  /** Pairs to picture of each kind of mistake. */
  readonly worst: number;
}

/** An evaluation that is done, and what it was done with. */
export interface Finished {
  readonly model: Model;
  readonly data: EvaluationData;
  readonly result: EvaluationRunResult;
  readonly options: OutputOptions;
}

/** What `result.json` holds. */
export type ResultRecord = EvaluationNumbers & {
  readonly pairs: number;
  readonly used: number;
  readonly missing: EvaluationRunResult['missing'];
};

/** Gathers what `result.json` holds. */
export function resultRecord({ model, data, result, options }: Finished): ResultRecord & Record<string, unknown> {
  const { protocol, ...numbers } = result.evaluation.numbers;
  const { recipe, ...metadata } = model.metadata;
  return {
    protocol,
    pairs: result.used.length + result.missing.length,
    used: result.used.length,
    ...numbers,
    missing: result.missing,
    pairFile: basename(options.pairs),
    ...(options.thresholdPairs === undefined
      ? {}
      : { thresholdPairFile: basename(options.thresholdPairs), missingThresholdPairs: result.missingThresholdPairs }),
    ...(result.identification === undefined
      ? {}
      : { identification: { ...result.identification, missing: result.missingListed } }),
    flip: options.flip,
    images: { ...data.images, count: data.source.entries.length, ...data.crops },
    model: {
      name: basename(model.path),
      ...metadata,
      ...(recipe === undefined ? {} : { recipe: JSON.parse(recipe) as unknown }),
    },
    packageVersion,
  };
}

/** Writes the report's folder. */
export async function writeReportFiles(
  { model, data, result, options }: Finished,
  record: ResultRecord,
): Promise<void> {
  // Drawing is loaded here so that the other commands start without it.
  const [{ renderReport }, { writeReport }] = await Promise.all([
    import('../evaluation/report/report.js'),
    import('../evaluation/report/files.js'),
  ]);
  const { falseAccepts, falseRejects } = worstMistakes(result.evaluation, options.worst);
  const page = renderReport({
    model: basename(model.path),
    evaluation: result.evaluation,
    ...(result.identification === undefined ? {} : { identification: result.identification }),
    pairs: record.pairs,
    missing: result.missing,
    falseAccepts: await picture(falseAccepts, result, data),
    falseRejects: await picture(falseRejects, result, data),
    modelFacts: modelFacts(model),
    dataFacts: dataFacts(data, result, options),
    packageVersion,
  });
  await writeReport(options.output, page, record);
  // A failed run's list would contradict this one.
  await rm(join(options.output, missingFile), { force: true });
}

async function picture(
  mistakes: readonly Mistake[],
  result: EvaluationRunResult,
  { source, names }: EvaluationData,
): Promise<PicturedPair[]> {
  const { pictureAddress } = await import('../evaluation/report/files.js');
  const address = async (name: string): Promise<string> => {
    const found = names.find(name);
    if (typeof found !== 'number')
      throw new SphereFaceError('A pair was used without its images.', { got: found.reason });
    return pictureAddress(await source.read(found));
  };
  return Promise.all(
    mistakes.map(async ({ pair, score, threshold }) => {
      const { a, b } = result.used[pair];
      return { a, b, score, threshold, pictures: [await address(a), await address(b)] as const };
    }),
  );
}

function modelFacts(model: Model): Facts {
  const { input, metadata } = model;
  const recipe = metadata.recipe === undefined ? undefined : (JSON.parse(metadata.recipe) as { name?: unknown });
  const facts: (readonly [string, string | undefined])[] = [
    ['file', basename(model.path)],
    ['crop', `${input.height} high, ${input.width} wide, ${input.channelOrder}`],
    ['pixels', `(x − ${triple(input.mean)}) / ${triple(input.scale)}`],
    ['alignment', describeAlignment(input.alignment)],
    ['embedding', `${model.embeddingSize} numbers`],
    ['recipe', typeof recipe?.name === 'string' ? recipe.name : undefined],
    ['written by', metadata.packageVersion && `sphereface-plus ${metadata.packageVersion}`],
    ['calibrated on', metadata.calibration?.data],
  ];
  return facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined);
}

function triple(values: readonly [number, number, number]): string {
  return values.every((value) => value === values[0]) ? String(values[0]) : `(${values.join(', ')})`;
}

function dataFacts(
  { source, images, crops }: EvaluationData,
  result: EvaluationRunResult,
  options: OutputOptions,
): Facts {
  const total = result.used.length + result.missing.length;
  const facts: (readonly [string, string])[] = [
    ['pairs', `${basename(options.pairs)}, ${result.used.length} of ${total} used`],
    ['images', `${images.name} (${images.kind}), ${source.entries.length} images`],
    ...cropFacts(crops),
    ['mirrored image', options.flip ? 'its embedding is appended' : 'not used'],
  ];
  if (options.thresholdPairs !== undefined) {
    const { length } = result.missingThresholdPairs;
    const missing = length === 0 ? '' : `, ${length} missing`;
    facts.push(['threshold from', `${basename(options.thresholdPairs)}${missing}`]);
  }
  return facts;
}

function cropFacts(crops: CropManifest | undefined): Facts {
  if (crops === undefined) return [['crops', 'without a manifest: how they were aligned is not known']];
  const { photos, aligned, withoutFace, unreadable } = crops.counts;
  return [
    ['crops', `${crops.height} high, ${crops.width} wide; ${describeAlignment(crops.alignment)}`],
    ['crop settings', settingsText(crops.settings)],
    ['aligned', `${aligned} of ${photos} photos; ${withoutFace} without a face, ${unreadable} unreadable`],
    ['aligned by', `sphereface-plus ${crops.packageVersion}`],
  ];
}

/** Settings in words: `missing skip, format jpg`; of digests the first digits. */
function settingsText(settings: Readonly<Record<string, unknown>>): string {
  return Object.entries(settings)
    .map(([name, value]) => {
      if (typeof value === 'string' && /^[0-9a-f]{32,}$/.test(value)) return `${name} ${value.slice(0, 12)}…`;
      if (Array.isArray(value)) return `${name} ${value.join(' ')}`;
      if (typeof value !== 'object' || value === null) return `${name} ${String(value)}`;
      return `${name} (${settingsText(value as Readonly<Record<string, unknown>>)})`;
    })
    .join(', ');
}

/** Writes the whole list of what is missing into the report's folder and says where. */
export async function listMissing({ missing }: MissingImagesError, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, missingFile);
  await writeFileAtomic(path, `${JSON.stringify(missing, undefined, 2)}\n`);
  return `all ${missing.length} that are missing are listed in ${path}`;
}
