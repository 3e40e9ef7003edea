// `sphereface run`: the whole pipeline on the user's own photos.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { defaultHoldOut } from '../evaluation/index.js';
import { UsageError } from '../common/index.js';
import { type PipelineRecipes, runPipeline } from '../pipeline/index.js';
import { loadRecipe, loadStatedRecipe } from '../training/index.js';
import { describeFormats } from '../images/index.js';
import { collect, type CommonOptions, finiteNumber, Output, positiveInteger, withCommonOptions } from './context.js';
import { detectorWeights } from './faces-options.js';
import { untilInterrupted } from './interrupt.js';
import { givenInput, inputSpecHelp } from './model-options.js';
import { PipelineView, printSummary } from './pipeline-view.js';

interface RunOptions extends CommonOptions {
  readonly output: string;
  readonly pairs?: string;
  readonly pairPhotos?: string;
  readonly recipe?: string;
  readonly plusRecipe?: string;
  readonly init?: string;
  readonly inputSpec?: string;
  readonly set?: readonly string[];
  readonly plusSet?: readonly string[];
  readonly holdOut: number;
  readonly seed: number;
  readonly control?: boolean;
}

export function registerRun(program: Command): void {
  withCommonOptions(
    program
      .command('run')
      .description('photos to a report: prepare, list, train, evaluate; run it again to go on after an interruption')
      .argument('<photos>', describeFormats())
      .requiredOption('-o, --output <folder>', 'where everything goes')
      .option('--pairs <file>', 'the pairs to evaluate on; without it identities are held out and pairs drawn')
      .option('--pair-photos <photos>', 'the photos that --pairs names, if they are not among PHOTOS')
      .option(
        '--recipe <name>',
        'how SphereFace is trained, or with --init fine-tuned: a built-in recipe or a file (sphereface-m4-small, fine-tune)',
      )
      .option('--plus-recipe <name>', 'how SphereFace is fine-tuned to SphereFace+ (sphereface-plus-m4-small)')
      .option('--init <model>', 'fine-tune this model (.onnx, or a finished run) instead, and compare before and after')
      .option('--input-spec <file>', inputSpecHelp)
      .option('--set <path=value>', 'change one value of --recipe; may be given several times', collect)
      .option('--plus-set <path=value>', 'change one value of --plus-recipe; may be given several times', collect)
      .addOption(
        new Option('--hold-out <share>', 'share of the identities to evaluate on').argParser(share).default(0.25),
      )
      .addOption(
        new Option('--seed <n>', 'of the choice of identities and pairs')
          .argParser(positiveInteger)
          .default(defaultHoldOut.seed),
      )
      .option('--control', 'fine-tune once more without MHE, to tell its effect from that of more training'),
  ).action(async (photos: string, options: RunOptions) => {
    const out = new Output(options.json === true);
    using view = new PipelineView(out);
    const { pairs, pairPhotos, control = false } = options;
    const recipes = await recipesOf(options);
    const summary = await untilInterrupted((signal) =>
      runPipeline(
        {
          photos,
          folder: options.output,
          recipes,
          weights: async () => (await detectorWeights(options, out)).weights,
          ...(pairs === undefined ? {} : { pairs }),
          ...(pairPhotos === undefined ? {} : { pairPhotos }),
          holdOut: { share: options.holdOut, seed: options.seed },
          control,
          device: options.device,
          threads: options.threads,
          signal,
        },
        view.events,
      ),
    );
    printSummary(out, summary);
    out.result(summary);
  });
}

async function recipesOf(options: RunOptions): Promise<PipelineRecipes> {
  const { recipe, plusRecipe, init, inputSpec, set, plusSet } = options;
  if (init === undefined) {
    if (inputSpec !== undefined) {
      throw new UsageError('--input-spec is for a model from elsewhere, and there is none.', {
        next: 'give the model with --init',
      });
    }
    return {
      base: await loadRecipe(recipe ?? 'sphereface-m4-small', set),
      plus: await loadRecipe(plusRecipe ?? 'sphereface-plus-m4-small', plusSet),
    };
  }
  if (plusRecipe !== undefined || plusSet !== undefined) {
    throw new UsageError('A model that is given is fine-tuned once.', {
      got: '--init with --plus-recipe or --plus-set',
      next: 'say how with --recipe and --set',
    });
  }
  const { recipe: tuned, statedInput } = await loadStatedRecipe(recipe ?? 'fine-tune', set);
  return {
    init,
    tuned,
    statedInput,
    ...(inputSpec === undefined ? {} : { inputSpec: await givenInput(inputSpec) }),
  };
}

function share(text: string): number {
  const value = finiteNumber(text);
  if (value <= 0 || value >= 1) throw new InvalidArgumentError('expected a number between 0 and 1');
  return value;
}
