// `sphereface pairs`: draws pairs among one's own crops, for `evaluate --pairs`.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { counted, printableName, requireWritableFile, writeFileAtomic } from '../common/index.js';
import { formatPairs } from '../evaluation/index.js';
import { describeFormats, openImageSource } from '../images/index.js';
import { openModel } from '../models/index.js';
import { defaultPairCount, type DrawnPairs, drawPairsOf } from '../pipeline/index.js';
import { Output, positiveInteger, Progress, severalFolds } from './context.js';
import { type ModelOptions, openOptions, withModelOptions } from './model-options.js';

interface PairsOptions extends ModelOptions {
  readonly output: string;
  readonly count: number;
  readonly seed: number;
  readonly folds?: number;
  readonly hard?: string;
}

export function registerPairs(program: Command): void {
  withModelOptions(
    program
      .command('pairs')
      .description("draw pairs among one's own aligned crops, as many matched as mismatched, for evaluate --pairs")
      .argument('<aligned>', describeFormats())
      .requiredOption('-o, --output <file>', 'where the pairs go: two paths and a label a line, separated by tabs')
      .addOption(
        new Option('--count <n>', 'pairs in all, half of them matched; fewer where there are not as many')
          .argParser(evenInteger)
          .default(defaultPairCount),
      )
      .addOption(new Option('--seed <n>', 'another seed draws other pairs').argParser(positiveInteger).default(1))
      .addOption(
        new Option('--folds <n>', 'draw in n folds that share no person, and state them in the file').argParser(
          severalFolds,
        ),
      )
      .option('--hard <model>', 'for mismatched pairs choose the people whom this model (.onnx) finds most alike'),
  ).action(pairs);
}

async function pairs(aligned: string, options: PairsOptions): Promise<void> {
  const out = new Output(options.json === true);
  const { output, count, seed, folds } = options;
  await requireWritableFile(output);
  await using model =
    options.hard === undefined ? undefined : await openModel(options.hard, await openOptions(options, out));
  const source = await openImageSource(aligned);
  try {
    for (const warning of source.warnings) out.warn(warning);
    let progress: Progress | undefined;
    let drawn: DrawnPairs;
    try {
      drawn = await drawPairsOf({
        source,
        count,
        seed,
        ...(folds === undefined ? {} : { folds }),
        ...(model === undefined ? {} : { hard: model }),
        onProgress: (done, total) => {
          progress ??= new Progress('embed', total);
          progress.update(done);
        },
      });
    } finally {
      progress?.[Symbol.dispose]();
    }
    await writeFileAtomic(output, formatPairs(drawn.pairs, drawn.fold));
    report(out, drawn, options);
  } finally {
    await source.dispose();
  }
}

/** How many images that were left out are named on the terminal; `--json` names all. */
const named = 10;

function report(out: Output, drawn: DrawnPairs, { output, count, folds, seed }: PairsOptions): void {
  const { matched, mismatched, hard, unlistable, withoutIdentity, failures } = drawn;
  for (const file of unlistable.slice(0, named)) {
    out.warn(`${printableName(file)} is left out: no line of a pair file can hold this path`);
  }
  for (const file of withoutIdentity.slice(0, named)) out.warn(`${file} lies in no identity folder: left out`);
  for (const { file, error } of failures.slice(0, named)) out.warn(`${file}: ${error}`);
  const unnamed = [unlistable, withoutIdentity, failures].reduce(
    (sum, { length }) => sum + Math.max(0, length - named),
    0,
  );
  if (unnamed > 0) out.warn(`and ${counted(unnamed, 'more image was', 'more images were')} left out`);
  if (matched + mismatched < count) {
    out.warn(`${matched + mismatched} pairs of the ${count} asked for: the images do not give more different ones`);
  }
  const inFolds = folds === undefined ? '' : ` in ${folds} folds`;
  out.line(`${matched} matched and ${mismatched} mismatched pairs${inFolds} written to ${output} (seed ${seed})`);
  if (hard !== undefined) {
    const range = `similarity ${hard.from.toFixed(3)} to ${hard.to.toFixed(3)}`;
    out.line(`the mismatched pairs are the most alike of ${hard.among} (${range})`);
    out.line('rates on them are those of look-alikes: no false-accept rate or calibration for people at large');
  }
  out.result({
    output,
    matched,
    mismatched,
    folds: folds ?? null,
    seed,
    hard: hard ?? null,
    unlistable,
    withoutIdentity,
    failures,
  });
}

function evenInteger(text: string): number {
  const value = positiveInteger(text);
  if (value % 2 !== 0) throw new InvalidArgumentError('expected an even number: half of the pairs are matched');
  return value;
}
