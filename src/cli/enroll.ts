// `sphereface enroll`: a folder of people becomes a gallery; again, only what changed.
import { type Command, Option } from 'commander';
import { requireWritableFolder, UsageError } from '../common/index.js';
import {
  type FaceRecognizer,
  type Gallery,
  type IdentityScore,
  identityScores,
  isGallery,
  type RowType,
  rowTypes,
} from '../pipeline/index.js';
import { Output, Progress, withCommonOptions } from './context.js';
import { withDetectOptions } from './faces-options.js';
import { warnOfLeftOut } from './faces-report.js';
import { type NeededArgument, tellModel, withOptionalModel } from './optional-model.js';
import {
  modelUsed,
  openRecognizer,
  rate,
  type RecognizerCommandOptions,
  withRecognizerOptions,
} from './recognizer-options.js';

interface EnrollOptions extends RecognizerCommandOptions {
  readonly output: string;
  readonly score?: IdentityScore;
  readonly type?: RowType;
  readonly calibrate?: number;
}

/** How many photos are named on the terminal; `--json` names all. */
const named = 10;

const needed = [
  ['people', 'a folder of identity folders, a zip of one, or a "path label" list'],
] as const satisfies readonly NeededArgument[];

export function registerEnroll(program: Command): void {
  const command = withOptionalModel(
    program.command('enroll').description('make a gallery of known people; again: only what changed'),
    needed,
  )
    .requiredOption('-o, --output <gallery>', 'the folder of the gallery')
    .addOption(
      new Option('--score <score>', "how a person's photos make a similarity; best by default").choices(identityScores),
    )
    .addOption(new Option('--type <type>', 'how embeddings are kept; float32 by default').choices(rowTypes))
    .addOption(
      new Option(
        '--calibrate <rate>',
        'set the threshold so that this share of strangers is taken for someone (FPIR), on the gallery itself',
      ).argParser(rate),
    );
  withCommonOptions(withDetectOptions(withRecognizerOptions(command))).action(enroll);
}

async function enroll(given: readonly string[], options: EnrollOptions): Promise<void> {
  const {
    model,
    others: [people],
  } = tellModel(given, needed);
  const out = new Output(options.json === true);
  const { output, calibrate } = options;
  // Before a model is opened, which may have to be fetched.
  await requireWritableFolder(output);
  await using faces = await openRecognizer(model, options, out);
  await using gallery = await openGallery(faces, options);
  let progress: Progress | undefined;
  let report;
  try {
    report = await gallery.enroll(people, {
      save: output,
      onProgress: (done, total) => {
        progress ??= new Progress('enroll', total, 'photos');
        progress.update(done);
      },
    });
  } finally {
    progress?.[Symbol.dispose]();
  }
  if (calibrate !== undefined) {
    await gallery.calibrate(calibrate);
    await gallery.save(output);
  }
  warnOfLeftOut(out, report);
  const { problems } = report;
  for (const { file, error } of problems.slice(0, named)) out.warn(`${file}: ${error.split('\n')[0]}`);
  if (problems.length > named) out.warn(`… and ${problems.length - named} more photos without an embedding`);
  const identities = gallery.identities.length;
  out.line(`${identities} people, ${gallery.photos.length} photos in ${output}`);
  out.line(
    `added ${report.added}, changed ${report.changed}, removed ${report.removed}, unchanged ${report.unchanged}; without an embedding ${problems.length}`,
  );
  const decision = gallery.decision();
  if (decision.threshold === undefined) {
    out.line(
      'no threshold: nobody will be known without --threshold. Enroll with --calibrate RATE, or calibrate the model',
    );
  }
  out.result({
    model: modelUsed(model, faces),
    gallery: output,
    identities,
    photos: gallery.photos.length,
    ...report,
    decision,
  });
}

async function openGallery(faces: FaceRecognizer, { output, score, type }: EnrollOptions): Promise<Gallery> {
  if (!(await isGallery(output))) {
    return faces.gallery({ ...(score === undefined ? {} : { score }), ...(type === undefined ? {} : { type }) });
  }
  const gallery = await faces.loadGallery(output);
  for (const [flag, asked, held] of [
    ['--score', score, gallery.score],
    ['--type', type, gallery.type],
  ]) {
    if (asked === undefined || asked === held) continue;
    await gallery.dispose();
    throw new UsageError(`The gallery ${output} was made with another ${flag}.`, {
      got: asked,
      expected: held ?? '',
      next: `leave ${flag} out, or choose another folder`,
    });
  }
  return gallery;
}
