// `sphereface train`: starts or resumes a run, and shows how it goes.
import { type Command, Option } from 'commander';
import { counted, UsageError } from '../common/index.js';
import { boundTo, type Communicator } from '../distributed/index.js';
import { describeFormats } from '../images/index.js';
import {
  type InitRows,
  initRowsModes,
  loadStatedRecipe,
  type Measurement,
  resumeRun,
  type RunOptions,
  startRun,
  type ValidationState,
} from '../training/index.js';
import { collect, type CommonOptions, Output, positiveInteger, withCommonOptions } from './context.js';
import { interruptedStatus } from './exit-status.js';
import { untilInterrupted } from './interrupt.js';
import { givenInput, inputSpecHelp } from './model-options.js';
import { onRanks } from './ranks.js';
import { TrainingView } from './training-view.js';

interface TrainOptions extends CommonOptions {
  readonly recipe?: string;
  readonly init?: string;
  readonly inputSpec?: string;
  readonly initRows?: InitRows;
  readonly set?: readonly string[];
  readonly output?: string;
  readonly resume?: string;
  readonly data?: string;
  readonly iterations?: number;
}

export function registerTrain(program: Command): void {
  withCommonOptions(
    program
      .command('train')
      .description('train a model from aligned faces, or continue a run')
      .argument('[data]', describeFormats())
      .option('--recipe <name>', 'a built-in recipe (see `sphereface recipes`), or a .yaml or .json file')
      .option('--init <model>', 'start from the parameters of a model (.onnx, .safetensors) or of a run')
      .option('--input-spec <file>', `of the network: ${inputSpecHelp}`)
      .addOption(
        new Option('--init-rows <how>', 'how its classifier rows find their people (by-name if not given)').choices(
          initRowsModes,
        ),
      )
      .option('--set <path=value>', 'change one value of the recipe; may be given several times', collect)
      .option('-o, --output <run>', 'the folder of the run')
      .option('--resume <run>', 'continue this run from its newest checkpoint')
      .option('--data <data>', 'with --resume: where the data of the run lie now')
      .addOption(
        new Option('--iterations <n>', 'with --resume: iterations in all, to lengthen a run').argParser(
          positiveInteger,
        ),
      ),
  ).action((data: string | undefined, options: TrainOptions) =>
    onRanks((communicator) => train(data, options, communicator)),
  );
}

async function train(data: string | undefined, options: TrainOptions, communicator: Communicator): Promise<void> {
  const output = new Output(options.json === true, communicator);
  const view = new TrainingView(output);
  const speaks = communicator.rank === 0;
  if (speaks) warnOfBinding(output);
  const result = await untilInterrupted((signal) => {
    const run: RunOptions = {
      device: options.device,
      threads: options.threads,
      communicator,
      signal,
      ...(speaks
        ? {
            onMeasuring: (done, total) => view.measuring(done, total),
            onCentring: (done, total) => view.centring(done, total),
            onStart: (start) => view.start(start),
            onStep: (iteration, loss) => view.step(iteration, loss),
            onMeasurement: (measurement) => view.measurement(measurement),
            onLine: (line) => view.line(line),
          }
        : {}),
      onWarning: (text) => output.warn(text),
    };
    return options.resume === undefined ? start(data, options, run) : resume(data, options, run);
  });
  const { unreadable, model, iteration, folder, status, validation } = result;
  // Of several ranks, another one may have been asked to stop.
  if (status === 'stopped') process.exitCode = interruptedStatus;
  if (unreadable.length > 0) {
    const images = counted(unreadable.length, 'unreadable image was', 'unreadable images were');
    output.line(`${images} replaced by ${unreadable.length === 1 ? 'another' : 'others'}`);
  }
  if (model !== undefined && validation !== undefined) output.line(chosen(validation));
  output.line(
    model === undefined
      ? `stopped at iteration ${iteration}; continue with: sphereface train --resume ${folder}`
      : `finished: ${model}`,
  );
  output.result(result);
}

function warnOfBinding(output: Output): void {
  const bound = boundTo();
  if (bound === undefined) return;
  output.warn(
    `this process may use ${bound.processors} of the ${bound.share} processors that are its share of the machine; ` +
      'if the launcher bound it, mpirun --bind-to none or srun --cpus-per-task lifts that',
  );
}

/** Which state became the model. */
function chosen({ start, best }: ValidationState): string {
  const held = (of: Measurement): string => `${(100 * of.accuracy).toFixed(2)} % on people held out`;
  return best.iteration === 0
    ? `no state was better than the start (${held(start)}): the model is the start`
    : `the model is the state after iteration ${best.iteration}: ${held(best)}, ${(100 * start.accuracy).toFixed(2)} % before`;
}

async function start(data: string | undefined, options: TrainOptions, run: RunOptions) {
  const { recipe: name, output: folder, init, inputSpec, initRows, set } = options;
  if (options.data !== undefined || options.iterations !== undefined) {
    throw new UsageError('--data and --iterations are for a run that goes on.', {
      expected: 'sphereface train DATA --recipe NAME --set solver.iterations=N -o RUN for a new one',
    });
  }
  if (data === undefined || name === undefined || folder === undefined) {
    throw new UsageError('A new run needs its data, a recipe and a folder.', {
      expected: 'sphereface train DATA --recipe NAME -o RUN, or sphereface train --resume RUN',
      next: 'sphereface recipes lists the recipes',
    });
  }
  if (initRows !== undefined && init === undefined) {
    throw new UsageError('--init-rows says how the rows of a model are taken, and there is no model.', {
      next: 'give the model with --init',
    });
  }
  return startRun({
    ...run,
    ...(await loadStatedRecipe(name, set)),
    data,
    folder,
    ...(init === undefined ? {} : { init }),
    ...(inputSpec === undefined ? {} : { inputSpec: await givenInput(inputSpec) }),
    ...(initRows === undefined ? {} : { initRows }),
  });
}

async function resume(given: string | undefined, options: TrainOptions, run: RunOptions) {
  const { resume: folder, recipe, init, inputSpec, initRows, set, output, data, iterations } = options;
  if ([given, recipe, init, inputSpec, initRows, set, output].some((value) => value !== undefined)) {
    throw new UsageError('A resumed run takes its data, recipe and folder from itself.', {
      expected:
        'sphereface train --resume RUN, with --data DATA if the data were moved, and --iterations N to lengthen it',
      next: 'to change something else, start a new run from this one with --init RUN',
    });
  }
  return resumeRun(folder!, {
    ...run,
    ...(data === undefined ? {} : { data }),
    ...(iterations === undefined ? {} : { iterations }),
  });
}
