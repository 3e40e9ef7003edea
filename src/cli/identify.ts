// `sphereface identify`: who is in the photos, or unknown.
import { type Command, Option } from 'commander';
import type { Match, OpenSetDecision } from '../pipeline/index.js';
import { Output, positiveInteger, withCommonOptions } from './context.js';
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

interface IdentifyOptions extends RecognizerCommandOptions {
  readonly top: number;
  readonly far?: number;
  readonly fpir?: number;
  readonly threshold?: number;
}

/** The answer to a photo. */
type Answer =
  | { readonly file: string; readonly faces?: number; readonly matches: readonly Match[] }
  | { readonly file: string; readonly error: string };

const needed = [
  ['gallery', 'a gallery (sphereface enroll) of the same model'],
  ['photos', 'a photo, a folder of photos, a zip of one, or a list'],
] as const satisfies readonly NeededArgument[];

export function registerIdentify(program: Command): void {
  const command = withOptionalModel(program.command('identify').description('say who is in photos, or unknown'), needed)
    .addOption(new Option('--top <n>', 'how many people to name for a photo').argParser(positiveInteger).default(1))
    .addOption(
      new Option('--far <rate>', "decide at this false-accept rate of the model's calibration").argParser(rate),
    )
    .addOption(
      new Option('--fpir <rate>', 'let at most this share of strangers be taken for someone in the gallery').argParser(
        rate,
      ),
    )
    .addOption(thresholdOption());
  withCommonOptions(withDetectOptions(withRecognizerOptions(command))).action(identify);
}

/** Photos that are searched for together: one pass over the gallery serves them all. */
const together = 16;

async function identify(given: readonly string[], options: IdentifyOptions): Promise<void> {
  const {
    model,
    others: [folder, photos],
  } = tellModel(given, needed);
  const out = new Output(options.json === true);
  const { top, far, fpir, threshold } = options;
  await using faces = await openRecognizer(model, options, out);
  await using gallery = await faces.loadGallery(folder);
  const search = {
    top,
    ...(far === undefined ? {} : { falseAcceptRate: far }),
    ...(fpir === undefined ? {} : { falsePositiveIdentificationRate: fpir }),
    ...(threshold === undefined ? {} : { threshold }),
  };
  const decision = gallery.decision(search);
  out.line(`${gallery.identities.length} people, ${gallery.photos.length} photos; ${byWhat(decision)}`);

  const answers: Answer[] = [];
  let waiting: { readonly file: string; readonly faces: number | undefined; readonly embedding: Float32Array }[] = [];
  const answer = async (): Promise<void> => {
    const embeddings = waiting.map(({ embedding }) => embedding);
    const found = await gallery.identifyEmbeddings(embeddings, search);
    for (const [i, { file, faces: count }] of waiting.entries()) {
      answers.push({ file, ...(count === undefined ? {} : { faces: count }), matches: found[i]! });
      out.line(lineOf(file, found[i]!));
    }
    waiting = [];
  };
  for await (const photo of faces.embed(photos)) {
    const { file, error } = photo;
    if (photo.embedding !== undefined) waiting.push(photo);
    else {
      await answer();
      answers.push({ file, error: error! });
      out.warn(`${file}: ${error!.split('\n')[0]}`);
    }
    if (waiting.length === together) await answer();
  }
  await answer();
  const known = answers.filter((photo) => 'matches' in photo && photo.matches[0]?.known === true).length;
  const failed = answers.filter((photo) => 'error' in photo).length;
  out.line(`${known} known, ${answers.length - known - failed} unknown, ${failed} without a face or unreadable`);
  out.result({
    model: modelUsed(model, faces),
    gallery: folder,
    identities: gallery.identities.length,
    decision,
    photos: answers,
  });
}

function byWhat(decision: OpenSetDecision): string {
  const { threshold, falseAcceptRate, falsePositiveIdentificationRate: fpir, comparisons, from } = decision;
  if (threshold === undefined) {
    return 'no threshold, so that nobody is known: give --threshold, or enroll with --calibrate RATE';
  }
  const share = (value: number): string => `${(value * 100).toPrecision(3)} %`;
  const bound = from === 'the caller' ? [' or less', 'at most'] : ['', 'about'];
  const strangers =
    fpir === undefined
      ? ''
      : falseAcceptRate === undefined
        ? `; ${share(fpir)} of strangers are taken for someone`
        : `; a false-accept rate of ${falseAcceptRate}${bound[0]}, so that ${bound[1]} ${share(fpir)} of strangers are taken for someone (${comparisons} comparisons)`;
  return `threshold ${threshold.toFixed(4)} from ${from}${strangers}`;
}

function lineOf(file: string, matches: readonly Match[]): string {
  const people = matches.map(({ identity, known, nearest, similarity }) =>
    known ? `${identity} ${similarity.toFixed(4)}` : `${identity} (nearest ${nearest} ${similarity.toFixed(4)})`,
  );
  return `${file}  ${people.join(', ') || 'nobody is enrolled'}`;
}
