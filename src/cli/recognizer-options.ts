// The options of the commands that recognize faces, and the recognizer that they open.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { starterModel } from '../models/index.js';
import { FaceRecognizer, type RecognizerOptions } from '../pipeline/index.js';
import { finiteNumber, type Output } from './context.js';
import { type DetectOptions, photoSettings } from './faces-options.js';
import { addModelOptions, type ModelOptions, openOptions } from './model-options.js';

export interface RecognizerCommandOptions extends DetectOptions, ModelOptions {
  readonly aligned?: boolean;
}

/** Adds `--aligned`, `--input-spec` and `--model-output`. */
export function withRecognizerOptions(command: Command): Command {
  return addModelOptions(command.option('--aligned', 'the photos are aligned crops already'));
}

/** Opens the model (without one the starter embedder, and says so), and the detector unless photos are crops. */
export async function openRecognizer(
  model: string | undefined,
  options: RecognizerCommandOptions,
  out: Output,
): Promise<FaceRecognizer> {
  const { models, aligned = false } = options;
  const { detector, choice, rotations, maxPixels } = photoSettings(options);
  const recognizerOptions: RecognizerOptions = {
    ...(await openOptions(options, out)),
    aligned,
    detector,
    choose: choice,
    rotations,
    maxPixels,
    ...(models === undefined ? {} : { models }),
    log: (line) => {
      out.line(line);
    },
  };
  if (model !== undefined) return FaceRecognizer.open(model, recognizerOptions);
  const faces = await FaceRecognizer.open(recognizerOptions);
  out.line(`model: ${starterModel.title}, ${faces.model.path}`);
  return faces;
}

/** Which model a command used, in its result. */
export function modelUsed(model: string | undefined, faces: FaceRecognizer): { path: string; starter: string | null } {
  return { path: faces.model.path, starter: model === undefined ? starterModel.name : null };
}

/** `--threshold`: a similarity to decide by. */
export function thresholdOption(): Option {
  return new Option('--threshold <similarity>', 'decide at this similarity, -1 to 1').argParser(finiteNumber);
}

/** Parses a rate; commander turns the error into exit code 2. */
export function rate(text: string): number {
  const value = finiteNumber(text);
  if (value <= 0 || value >= 1) throw new InvalidArgumentError('expected a rate between 0 and 1');
  return value;
}
