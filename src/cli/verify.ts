// `sphereface verify`: are two photos of one person? Detect, align, embed, compare, decide where the model is calibrated.
import { readFile } from 'node:fs/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SphereFaceError, UsageError } from '../common/index.js';
import { decodeCrop, decodePhoto, describeAlignment, type InputSpec, type Picture } from '../images/index.js';
import { cosineScores, decide } from '../evaluation/index.js';
import {
  alignFace,
  alignmentVersion,
  chooseFace,
  Mtcnn,
  type SimilaritySolver,
  similaritySolvers,
  type Template,
  templates,
} from '../faces/index.js';
import { type Calibration, openModel, readInputSpec } from '../models/index.js';
import { finiteNumber, Output, withCommonOptions } from './context.js';
import { detectorWeights, type DetectOptions, photoSettings, withDetectOptions } from './faces-options.js';

interface VerifyOptions extends DetectOptions {
  readonly far?: number;
  readonly aligned?: boolean;
  readonly inputSpec?: string;
}

/** A photo's face, ready for the model. */
interface FoundFace {
  readonly file: string;
  readonly crop: Picture;
  /** How many faces the photo has; absent for crops. */
  readonly faces?: number;
}

export function registerVerify(program: Command): void {
  withCommonOptions(
    withDetectOptions(
      program
        .command('verify')
        .description('compare the faces of two photos')
        .argument('<model>', 'a model file (.onnx)')
        .argument('<a>', 'a photo')
        .argument('<b>', 'another photo')
        .addOption(
          new Option('--far <rate>', 'decide at this false-accept rate; the strictest stored one by default').argParser(
            rate,
          ),
        )
        .option('--aligned', 'the two are aligned crops already')
        .option('--input-spec <file>', 'the input convention of a model from elsewhere (JSON)'),
    ),
  ).action(verify);
}

function rate(text: string): number {
  const value = finiteNumber(text);
  if (value <= 0 || value >= 1) throw new InvalidArgumentError('expected a rate between 0 and 1');
  return value;
}

async function verify(modelPath: string, a: string, b: string, options: VerifyOptions): Promise<void> {
  const out = new Output(options.json === true);
  const { device, threads, inputSpec } = options;
  await using model = await openModel(modelPath, {
    device,
    threads,
    ...(inputSpec === undefined ? {} : { inputSpec: await readInputSpec(inputSpec) }),
  });
  const { calibration } = model.metadata;
  if (options.far !== undefined && calibration === undefined) throw notCalibrated(modelPath);
  const found =
    options.aligned === true
      ? await Promise.all([a, b].map((file) => readCrop(file, model.input)))
      : await findFaces([a, b], model.input, options, out);
  for (const { file, faces } of found) {
    if (faces !== undefined && faces > 1) {
      out.warn(`${file} has ${faces} faces; the one chosen by the rule "${options.choose}" is compared`);
    }
  }

  // The similarity must be the one that was calibrated; without a calibration it is the published protocol's.
  const flip = calibration?.flip ?? true;
  const data = await model.embed(
    found.map(({ crop }) => crop),
    { flip },
  );
  const [similarity] = cosineScores(
    { data, count: 2, size: data.length / 2 },
    { left: Int32Array.of(0), right: Int32Array.of(1), same: Uint8Array.of(1) },
  );
  out.line(`similarity ${similarity.toFixed(4)}`);
  const decision = calibration && decide(similarity, calibration.thresholds, options.far ?? strictest(calibration));
  if (calibration === undefined || decision === undefined) {
    out.line('no decision: this model is not calibrated. Store thresholds in it with');
    out.line(`  sphereface evaluate ${modelPath} --pairs FILE --images DATA -o REPORT --calibrate 1e-2,1e-3`);
  } else {
    out.line(
      `${decision.same ? 'same person' : 'different people'}, at a false-accept rate of ${decision.falseAcceptRate} ` +
        `(threshold ${decision.threshold.toFixed(4)}; ${(decision.trueAcceptRate * 100).toFixed(2)} % true accepts)`,
    );
    out.line(
      `calibrated on ${calibration.data}: ${calibration.genuinePairs} matched, ${calibration.impostorPairs} mismatched pairs`,
    );
  }
  out.result({
    similarity,
    flip,
    decision: decision === undefined ? null : decision.same ? 'same' : 'different',
    ...(decision === undefined
      ? {}
      : {
          falseAcceptRate: decision.falseAcceptRate,
          threshold: decision.threshold,
          trueAcceptRate: decision.trueAcceptRate,
        }),
    calibration: calibration ?? null,
    photos: found.map(({ file, faces }) => ({ file, ...(faces === undefined ? {} : { faces }) })),
  });
}

function notCalibrated(path: string): UsageError {
  return new UsageError(`${path} is not calibrated, so --far means nothing to it`, {
    next: 'calibrate it: sphereface evaluate MODEL --pairs FILE --images DATA -o REPORT --calibrate 1e-2,1e-3',
  });
}

function strictest({ thresholds }: Calibration): number {
  return Math.min(...thresholds.map(({ falseAcceptRate }) => falseAcceptRate));
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new UsageError(`${file} cannot be read`, { expected: 'a picture file', cause });
  }
}

async function readCrop(file: string, input: InputSpec): Promise<FoundFace> {
  return { file, crop: await decodeCrop(await readBytes(file), input) };
}

async function findFaces(
  files: readonly string[],
  input: InputSpec,
  options: VerifyOptions,
  out: Output,
): Promise<FoundFace[]> {
  const { template, solver } = alignmentOf(input);
  const settings = photoSettings(options);
  const { weights } = await detectorWeights(options, out);
  await using detector = await Mtcnn.create(weights, {
    settings: settings.detector,
    device: options.device,
    threads: options.threads,
  });
  const found: FoundFace[] = [];
  for (const file of files) {
    const photo = await decodePhoto(await readBytes(file), { limitInputPixels: settings.maxPixels });
    const faces = await detector.detect(photo);
    const chosen = chooseFace(faces, photo, settings.choice);
    if (chosen === undefined) {
      throw new SphereFaceError(`There is no face in ${file}`, {
        got: `a picture of ${photo.width} x ${photo.height} pixels`,
        expected: `a face of at least ${settings.detector.minSize} pixels`,
        next: 'use another photo; lower --min-size or --thresholds; or give aligned crops with --aligned',
      });
    }
    found.push({ file, crop: alignFace(photo, faces[chosen].landmarks, template, solver), faces: faces.length });
  }
  return found;
}

/** The template and solver that a model was trained with. @throws SphereFaceError for one that cannot be made here. */
function alignmentOf({ alignment, width, height }: InputSpec): { template: Template; solver: SimilaritySolver } {
  const template = Object.values<Template>(templates).find(({ name }) => name === alignment.template);
  const solver = similaritySolvers.find((name) => name === alignment.solver);
  if (
    template?.width !== width ||
    template.height !== height ||
    solver === undefined ||
    alignment.version !== alignmentVersion
  ) {
    throw new SphereFaceError('The model takes crops that this version cannot make', {
      got: `${describeAlignment(alignment)}, ${height} high, ${width} wide`,
      expected: `one of ${Object.values<Template>(templates)
        .map(({ name }) => name)
        .join(', ')}; ${similaritySolvers.join(' or ')}; version ${alignmentVersion}`,
      next: 'align the photos with what made the model, and give the crops with --aligned',
    });
  }
  return { template, solver };
}
