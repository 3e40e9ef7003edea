// `sphereface verify`: are two photos of one person?
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { openImageSource } from '../images/index.js';
import type { Verification } from '../pipeline/index.js';
import { Output, withCommonOptions } from './context.js';
import { withDetectOptions } from './faces-options.js';
import { type NeededArgument, tellModel, withOptionalModel } from './optional-model.js';
import {
  modelUsed,
  openRecognizer,
  rate,
  type RecognizerCommandOptions,
  thresholdOption,
  withRecognizerOptions,
} from './recognizer-options.js';

interface VerifyOptions extends RecognizerCommandOptions {
  readonly far?: number;
  readonly threshold?: number;
}

const needed = [
  ['a', 'a photo, or a folder of photos of one person, which are taken together'],
  ['b', 'another'],
] as const satisfies readonly NeededArgument[];

export function registerVerify(program: Command): void {
  const command = withOptionalModel(program.command('verify').description('compare the faces of two photos'), needed)
    .addOption(
      new Option('--far <rate>', 'decide at this false-accept rate; the strictest stored one by default').argParser(
        rate,
      ),
    )
    .addOption(thresholdOption());
  withCommonOptions(withDetectOptions(withRecognizerOptions(command))).action(verify);
}

async function verify(given: readonly string[], options: VerifyOptions): Promise<void> {
  const {
    model,
    others: [a, b],
  } = tellModel(given, needed);
  const out = new Output(options.json === true);
  const { far, threshold, choose } = options;
  await using faces = await openRecognizer(model, options, out);
  const verification = await faces.verify(await photosOf(a), await photosOf(b), {
    ...(far === undefined ? {} : { falseAcceptRate: far }),
    ...(threshold === undefined ? {} : { threshold }),
  });
  const photos = verification.photos.flat();
  for (const { file, faces: found, rotation } of photos) {
    if (rotation !== undefined) out.warn(`${file} lies on its side; it was turned by ${rotation}°`);
    if (found !== undefined && found > 1) {
      out.warn(`${file} has ${found} faces; the one chosen by the rule "${choose}" is compared`);
    }
  }
  const { similarity, same } = verification;
  out.line(`similarity ${similarity.toFixed(4)}`);
  if (same === undefined) {
    out.line('no decision: this model is not calibrated. Give a --threshold, or store thresholds in the model with');
    out.line(`  sphereface evaluate ${faces.model.path} --pairs FILE --images DATA -o REPORT --calibrate 1e-2,1e-3`);
  } else {
    out.line(`${same ? 'same person' : 'different people'}, ${byWhat(verification)}`);
    const { calibration } = faces;
    if (calibration !== undefined && threshold === undefined) {
      const { data, genuinePairs, impostorPairs } = calibration;
      out.line(`calibrated on ${data}: ${genuinePairs} matched, ${impostorPairs} mismatched pairs of single photos`);
    }
  }
  out.result({
    model: modelUsed(model, faces),
    similarity,
    flip: faces.flip,
    decision: same === undefined ? null : same ? 'same' : 'different',
    falseAcceptRate: verification.falseAcceptRate,
    threshold: verification.threshold,
    trueAcceptRate: verification.trueAcceptRate,
    calibration: faces.calibration ?? null,
    photos,
  });
}

function byWhat({ threshold, falseAcceptRate, trueAcceptRate }: Verification): string {
  const at = `threshold ${threshold!.toFixed(4)}`;
  if (trueAcceptRate !== undefined) {
    return `at a false-accept rate of ${falseAcceptRate} (${at}; ${(trueAcceptRate * 100).toFixed(2)} % true accepts)`;
  }
  return falseAcceptRate === undefined
    ? `at the ${at}`
    : `at the ${at} (a false-accept rate of ${falseAcceptRate} or less)`;
}

/** The photos at a path: itself, or what a folder holds. */
async function photosOf(path: string): Promise<string[]> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return [path];
  const source = await openImageSource(path);
  await source.dispose();
  return source.entries.map(({ file }) => join(path, file));
}
