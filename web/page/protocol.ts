// What the page and its worker say to each other.
import type { Box, HeldOutResult, TrainingProgress, Verification } from '../../src/web/index.js';

/** A photo of a person, by the folder that it lies in. */
export interface LabelledFile {
  readonly person: string;
  readonly file: File;
}

/** A small picture to show: RGBA, as a canvas takes it. */
export interface Thumbnail {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** One face of a person that was found. */
export interface ShownFace {
  readonly file: string;
  readonly crop: Thumbnail;
  readonly box: Box;
}

/** A photo of which nothing came, and why. */
export interface PhotoProblem {
  readonly file: string;
  readonly reason: string;
}

/** A model that was opened. */
export interface OpenedModel {
  readonly name: string;
  readonly embeddingSize: number;
  /** False-accept rates that it is calibrated for, with their thresholds, and what it was calibrated on. */
  readonly thresholds: readonly { readonly falseAcceptRate: number; readonly threshold: number }[];
  readonly calibratedOn: string | undefined;
}

export interface TrainingData {
  /** `photos` are searched for faces; `crops` are 112 high and 96 wide and taken as they are; `synthetic` are drawn. */
  readonly kind: 'photos' | 'crops' | 'synthetic';
  readonly files: readonly LabelledFile[];
}

/** What a training gives to the page. */
export interface TrainingResult {
  readonly status: 'finished' | 'stopped';
  readonly model: Uint8Array<ArrayBuffer>;
  readonly classifier: Uint8Array<ArrayBuffer>;
  readonly report: string;
  /** The lines of a run's log.jsonl. */
  readonly log: string;
  readonly people: number;
  readonly pictures: number;
  readonly heldOut: HeldOutResult | undefined;
  readonly problems: readonly PhotoProblem[];
}

/** What may be asked of the worker: what is handed over, what comes back, and what is told meanwhile. */
export interface Calls {
  /** @param detector the folder beside the page where the detector may lie */
  start: {
    with: { readonly detector: string };
    gives: { readonly engine: string; readonly detector: boolean };
    tells: never;
  };
  openDetector: { with: { readonly files: readonly File[] }; gives: null; tells: never };
  openModel: { with: { readonly file: File }; gives: OpenedModel; tells: never };
  verify: {
    with: { readonly a: File; readonly b: File; readonly threshold: number | undefined };
    gives: {
      readonly verification: Verification;
      readonly crops: readonly [Thumbnail, Thumbnail];
      /** How many faces either photo has. */
      readonly faces: readonly [number, number];
    };
    tells: never;
  };
  findPeople: {
    with: { readonly files: readonly File[]; readonly threshold: number | undefined };
    gives: { readonly people: readonly (readonly ShownFace[])[]; readonly problems: readonly PhotoProblem[] };
    tells: { readonly done: number; readonly total: number };
  };
  train: {
    with: { readonly data: TrainingData; readonly iterations: number };
    gives: TrainingResult;
    tells:
      | { readonly stage: 'pictures'; readonly done: number; readonly total: number }
      | { readonly stage: 'steps'; readonly progress: TrainingProgress };
  };
}

export type CallName = keyof Calls;

/** To the worker. */
export type ToWorker =
  | {
      readonly [Name in CallName]: { readonly id: number; readonly call: Name; readonly with: Calls[Name]['with'] };
    }[CallName]
  | { readonly id: number; readonly call: 'stop' };

/** From the worker. */
export type FromWorker =
  | { readonly id: number; readonly kind: 'gives'; readonly value: unknown }
  | { readonly id: number; readonly kind: 'tells'; readonly value: unknown }
  | { readonly id: number; readonly kind: 'fails'; readonly message: string };
