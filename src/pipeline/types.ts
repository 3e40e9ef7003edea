// What a pipeline is told, what it tells while it goes on, and what it leaves.
import type { HoldOutOptions } from '../evaluation/index.js';
import type { MtcnnWeights, PrepareOptions } from '../faces/index.js';
import type { LogLine, Recipe, StartOptions } from '../training/index.js';
import type { FineTuneSummary } from './before-and-after.js';
import type { ClassifierSpread } from './spread.js';

/** What is trained: a network from scratch, or one from elsewhere. */
export type PipelineRecipes = ScratchRecipes | FineTuneRecipes;

export interface ScratchRecipes {
  /** SphereFace, from scratch. */
  readonly base: Recipe;
  /** SphereFace+: starts from the finished base model and adds the energy. */
  readonly plus: Recipe;
}

/** The fine-tune of a model; it is evaluated before and after. */
export interface FineTuneRecipes extends Pick<StartOptions, 'statedInput' | 'inputSpec'> {
  /** An ONNX file, or a finished run. */
  readonly init: string;
  /** With a network in a file. */
  readonly tuned: Recipe;
}

export interface PipelineOptions {
  /** A folder of identity folders, or a zip of one. */
  readonly photos: string;
  /** Everything is written here; a second run with the same options goes on where the first stopped. */
  readonly folder: string;
  readonly recipes: PipelineRecipes;
  /** The detector's weights; asked for only where photos are still to be aligned. */
  readonly weights: () => Promise<MtcnnWeights>;
  /** A pair file to evaluate on; without it identities are held out and pairs drawn among their photos. */
  readonly pairs?: string;
  /** The photos that `pairs` names, where they are not among `photos`. */
  readonly pairPhotos?: string;
  readonly holdOut?: Partial<HoldOutOptions>;
  /** Fine-tune once more without the energy, so that its effect can be told from that of more training. */
  readonly control?: boolean;
  readonly device?: PrepareOptions['device'];
  readonly threads: number;
  /** When aborted, the work in progress is brought to where a later run can go on, and `runPipeline` throws. */
  readonly signal?: AbortSignal;
}

/** Whether a stage begins, or an earlier run has finished it. */
export type StageStatus = 'begun' | 'found';

/** What the pipeline tells while it goes on. */
export interface PipelineEvents {
  /** A stage begins, or was found finished. */
  readonly onStage?: (title: string, status: StageStatus) => void;
  readonly onProgress?: (done: number, total: number, unit: string) => void;
  readonly onLogLine?: (line: LogLine) => void;
  /** A fact about the stage that has just ended. */
  readonly onNote?: (text: string) => void;
  readonly onWarning?: (text: string) => void;
}

/** A trained model and how it did. */
export interface ModelSummary {
  readonly name: ModelName;
  readonly model: string;
  /** The page of its report. */
  readonly report: string;
  readonly accuracy: { readonly mean: number; readonly standardError: number | null };
  readonly auc: number;
  readonly eer: number;
  /** How the classifier's rows lie; null for a model that was not trained here. */
  readonly spread: ClassifierSpread | null;
}

export type ModelName = 'sphereface' | 'without-energy' | 'sphereface-plus' | 'before' | 'fine-tuned';

export interface PipelineSummary {
  readonly photos: { readonly total: number; readonly aligned: number };
  readonly training: { readonly identities: number; readonly images: number };
  /** Identities of the photos that were kept from training; none where the pairs have photos of their own. */
  readonly heldOut: number;
  readonly pairs: { readonly matched: number; readonly mismatched: number; readonly missing: number };
  /** How accuracy was counted. */
  readonly protocol: string;
  readonly models: readonly ModelSummary[];
  /** What a fine-tune changed: the page of it, and the difference of the accuracies on the same pairs. */
  readonly comparison: FineTuneSummary | null;
}
