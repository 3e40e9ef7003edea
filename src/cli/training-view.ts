// What `sphereface train` shows of a run.
import { describeAlignment } from '../images/index.js';
import type { InitReport, LogLine, Measurement, RunAlignment, RunStart } from '../training/index.js';
import type { Output } from './context.js';
import { drawLive, hasTerminal } from './live-line.js';
import { Progress } from './progress.js';

/** What is shown of a run: a live line on a terminal, a plain line per displayed iteration everywhere. */
export class TrainingView {
  private iterations = 0;
  private first = 0;
  private imagesPerStep = 0;
  private readonly started = Date.now();
  private drawn = 0;
  private measured: Progress | undefined;
  private centred: Progress | undefined;

  constructor(private readonly output: Output) {}

  /** While forms of convolutions are tried on a GPU. */
  measuring(done: number, total: number): void {
    this.measured ??= new Progress('forms tried on the GPU', total, 'gradients');
    this.measured.update(done);
    if (done === total) this.measured[Symbol.dispose]();
  }

  /** While rows of the classifier are made from people's images. */
  centring(done: number, total: number): void {
    this.centred ??= new Progress('classifier rows', total);
    this.centred.update(done);
  }

  start({ recipe, images, identities, leftOut, heldOut, device, ranks, iteration, init, alignment }: RunStart): void {
    this.centred?.[Symbol.dispose]();
    const { batchSize, iterSize, iterations } = recipe.solver;
    this.iterations = iterations;
    this.first = iteration;
    this.imagesPerStep = batchSize * iterSize;
    const omitted = leftOut === 0 ? '' : ` (${leftOut} with too few images left out)`;
    this.output.line(`${recipe.name}: ${images} images of ${identities} identities${omitted}, on ${device}`);
    if (ranks.count > 1) this.output.line(`${ranks.count} ranks through ${ranks.description}`);
    const accumulated = iterSize === 1 ? '' : ` in ${iterSize} passes`;
    this.output.line(
      `${iterations} iterations of ${this.imagesPerStep} images${accumulated}, from iteration ${iteration}`,
    );
    this.output.line(alignmentLine(alignment));
    if (heldOut > 0) this.output.line(`held out: ${heldOut} identities, to measure on`);
    if (init !== undefined) this.initial(init);
  }

  /** What is measured on people held out before the first step; later measurements are on their lines. */
  measurement({ iteration, accuracy, tar, auc }: Measurement): void {
    if (iteration > 0) return;
    this.output.line(
      `held out, at the start: accuracy ${percent(accuracy)} | true accepts at 1 % false ones ${percent(tar)} | AUC ${auc.toFixed(5)}`,
    );
  }

  private initial(init: InitReport): void {
    this.output.line(`initial model: ${init.copied.length} parameters copied`);
    for (const { name, network, model } of init.differing) {
      this.output.line(`  ${name}: [${model.join(', ')}] does not fit [${network.join(', ')}]; starts fresh`);
    }
    if (init.fresh.length > 0) this.output.line(`  not in the model, start fresh: ${init.fresh.join(', ')}`);
    if (init.rows !== undefined) {
      const { mode, matched, fresh, leftBehind } = init.rows;
      const how = mode === 'by-position' ? 'by position' : 'by name';
      this.output.line(`  classifier rows copied ${how}: ${matched.length}`);
      if (fresh.length > 0) this.output.line(`  identities that the model does not have: ${some(fresh)}`);
      if (leftBehind.length > 0)
        this.output.line(`  identities of the model that are not in the data: ${some(leftBehind)}`);
    }
    if (init.centred !== undefined) {
      this.output.line(`  classifier rows made from people's own images: ${init.centred.length}`);
    }
    if (init.unused.length > 0) this.output.line(`  not in the network, unused: ${init.unused.join(', ')}`);
  }

  step(iteration: number, loss: number): void {
    if (!hasTerminal() || Date.now() - this.drawn < 200) return;
    this.drawn = Date.now();
    const steps = iteration - this.first;
    const seconds = (Date.now() - this.started) / 1000;
    const left = ((this.iterations - iteration) * seconds) / steps;
    const rate = ((steps * this.imagesPerStep) / seconds).toFixed(1);
    drawLive(`${iteration}/${this.iterations} | loss ${loss.toFixed(3)} | ${rate} images/s | ${duration(left)} left`);
  }

  line(line: LogLine): void {
    const parts = [
      `iteration ${line.iteration}`,
      `loss ${line.loss.toFixed(3)}`,
      ...Object.entries(line.terms).map(([name, value]) => `${name} ${value.toPrecision(4)}`),
      ...(line.lambda === null ? [] : [`λ ${line.lambda.toPrecision(4)} (m ≈ ${line.effectiveMargin?.toFixed(2)})`]),
      `accuracy ${(100 * line.accuracy).toFixed(1)} %`,
      `|x| ${line.featureNorm.toFixed(1)}`,
      `angles ${line.minimumAngle.toFixed(1)}° / ${line.meanAngle.toFixed(2)}°`,
      ...(line.validationAccuracy === null ? [] : [`held out ${percent(line.validationAccuracy)}`]),
      `rate ${line.learningRate.toPrecision(3)}`,
      `${line.imagesPerSecond.toFixed(1)} images/s`,
    ];
    this.output.line(parts.join(' | '));
  }
}

/** How many names are shown; init.json in the run has all. */
const named = 10;

function some(names: readonly string[]): string {
  const more = names.length > named ? `, … (${names.length} in all)` : '';
  return names.slice(0, named).join(', ') + more;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function alignmentLine({ alignment, statedBy }: RunAlignment): string {
  return statedBy.length === 0
    ? `alignment: nothing states how the crops were aligned; taken for ${describeAlignment(alignment)}`
    : `alignment: ${describeAlignment(alignment)}, as ${statedBy.join(' and ')} state${statedBy.length === 1 ? 's' : ''}`;
}

function duration(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
