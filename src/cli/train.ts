// `sphereface train`: starts or resumes a run, and shows how it goes.
import type { Command } from 'commander';
import { UsageError } from '../common/errors.js';
import { loadRecipe, type LogLine, resumeRun, type RunOptions, type RunStart, startRun } from '../training/index.js';
import { describeFormats } from '../images/index.js';
import { collect, type CommonOptions, Output, withCommonOptions } from './context.js';
import { untilInterrupted } from './interrupt.js';

interface TrainOptions extends CommonOptions {
  readonly recipe?: string;
  readonly init?: string;
  readonly set?: readonly string[];
  readonly output?: string;
  readonly resume?: string;
}

export function registerTrain(program: Command): void {
  withCommonOptions(
    program
      .command('train')
      .description('train a model from aligned faces, or continue a run')
      .argument('[data]', describeFormats())
      .option('--recipe <name>', 'a built-in recipe (see `sphereface recipes`), or a .yaml or .json file')
      .option('--init <model>', 'start from the parameters of a model (.onnx, .safetensors) or of a run')
      .option('--set <path=value>', 'change one value of the recipe; may be given several times', collect)
      .option('-o, --output <run>', 'the folder of the run')
      .option('--resume <run>', 'continue this run from its newest checkpoint'),
  ).action(train);
}

async function train(data: string | undefined, options: TrainOptions): Promise<void> {
  const output = new Output(options.json === true);
  const view = new TrainingView(output);
  const result = await untilInterrupted((signal) => {
    const run: RunOptions = {
      device: options.device,
      threads: options.threads,
      signal,
      onStart: (start) => view.start(start),
      onStep: (iteration, loss) => view.step(iteration, loss),
      onLine: (line) => view.line(line),
      onWarning: (text) => output.warn(text),
    };
    return options.resume === undefined ? start(data, options, run) : resume(data, options, run);
  });
  const { unreadable, model, iteration, folder } = result;
  if (unreadable.length > 0) output.line(`${unreadable.length} unreadable images were replaced by others`);
  output.line(
    model === undefined
      ? `stopped at iteration ${iteration}; continue with: sphereface train --resume ${folder}`
      : `finished: ${model}`,
  );
  output.result(result);
}

async function start(data: string | undefined, options: TrainOptions, run: RunOptions) {
  const { recipe, output: folder, init, set } = options;
  if (data === undefined || recipe === undefined || folder === undefined) {
    throw new UsageError('A new run needs its data, a recipe and a folder.', {
      expected: 'sphereface train DATA --recipe NAME -o RUN, or sphereface train --resume RUN',
      next: 'sphereface recipes lists the recipes',
    });
  }
  return startRun({
    ...run,
    data,
    recipe: await loadRecipe(recipe, set),
    folder,
    ...(init === undefined ? {} : { init }),
  });
}

async function resume(data: string | undefined, options: TrainOptions, run: RunOptions) {
  const { resume: folder, recipe, init, set, output } = options;
  if ([data, recipe, init, set, output].some((value) => value !== undefined)) {
    throw new UsageError('A resumed run takes its data, recipe and folder from itself.', {
      expected: 'sphereface train --resume RUN',
      next: 'to change something, start a new run from this one with --init RUN',
    });
  }
  return resumeRun(folder!, run);
}

/** What is shown of a run: a live line on a terminal, a plain line per displayed iteration everywhere. */
class TrainingView {
  private iterations = 0;
  private first = 0;
  private imagesPerStep = 0;
  private readonly started = Date.now();
  private drawn = 0;

  constructor(private readonly output: Output) {}

  start({ recipe, images, identities, leftOut, device, iteration, init }: RunStart): void {
    const { batchSize, iterSize, iterations } = recipe.solver;
    this.iterations = iterations;
    this.first = iteration;
    this.imagesPerStep = batchSize * iterSize;
    const omitted = leftOut === 0 ? '' : ` (${leftOut} with too few images left out)`;
    this.output.line(`${recipe.name}: ${images} images of ${identities} identities${omitted}, on ${device}`);
    const accumulated = iterSize === 1 ? '' : ` in ${iterSize} passes`;
    this.output.line(
      `${iterations} iterations of ${this.imagesPerStep} images${accumulated}, from iteration ${iteration}`,
    );
    if (init === undefined) return;
    this.output.line(`initial model: ${init.copied.length} parameters copied`);
    for (const { name, network, model } of init.differing) {
      this.output.line(`  ${name}: [${model.join(', ')}] does not fit [${network.join(', ')}]; starts fresh`);
    }
    if (init.fresh.length > 0) this.output.line(`  not in the model, start fresh: ${init.fresh.join(', ')}`);
    if (init.unused.length > 0) this.output.line(`  not in the network, unused: ${init.unused.join(', ')}`);
  }

  step(iteration: number, loss: number): void {
    if (!process.stderr.isTTY || Date.now() - this.drawn < 200) return;
    this.drawn = Date.now();
    const steps = iteration - this.first;
    const seconds = (Date.now() - this.started) / 1000;
    const left = ((this.iterations - iteration) * seconds) / steps;
    const rate = ((steps * this.imagesPerStep) / seconds).toFixed(1);
    process.stderr.write(
      `\r${iteration}/${this.iterations} | loss ${loss.toFixed(3)} | ${rate} images/s | ${duration(left)} left \x1b[K`,
    );
  }

  line(line: LogLine): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    const parts = [
      `iteration ${line.iteration}`,
      `loss ${line.loss.toFixed(3)}`,
      ...Object.entries(line.terms).map(([name, value]) => `${name} ${value.toPrecision(4)}`),
      ...(line.lambda === null ? [] : [`λ ${line.lambda.toPrecision(4)} (m ≈ ${line.effectiveMargin?.toFixed(2)})`]),
      `accuracy ${(100 * line.accuracy).toFixed(1)} %`,
      `|x| ${line.featureNorm.toFixed(1)}`,
      `angles ${line.minimumAngle.toFixed(1)}° / ${line.meanAngle.toFixed(2)}°`,
      `rate ${line.learningRate.toPrecision(3)}`,
      `${line.imagesPerSecond.toFixed(1)} images/s`,
    ];
    this.output.line(parts.join(' | '));
  }
}

function duration(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
