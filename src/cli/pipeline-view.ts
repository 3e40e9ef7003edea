// How `demo` and `run` show the pipeline: stages, progress, log lines, and the table at the end.
import type {
  FineTuneSummary,
  ModelName,
  ModelSummary,
  PipelineEvents,
  PipelineSummary,
  StageStatus,
} from '../pipeline/index.js';
import type { LogLine } from '../training/index.js';
import { type Output, Progress } from './context.js';

const titles: Readonly<Record<ModelName, string>> = {
  sphereface: 'SphereFace',
  'without-energy': 'more training without MHE',
  'sphereface-plus': 'SphereFace+ (with MHE)',
  before: 'before',
  'fine-tuned': 'fine-tuned',
};

/** Shows a pipeline's events. Dispose of it when the pipeline ends, however it ends. */
export class PipelineView implements Disposable {
  private progress: Progress | undefined;
  private stage = '';
  private total = 0;
  private readonly started = Date.now();

  constructor(private readonly output: Output) {}

  /** Announces a stage, with the time since the start. */
  begin(title: string, status: StageStatus): void {
    this.endProgress();
    this.stage = title;
    const seconds = Math.round((Date.now() - this.started) / 1000);
    this.output.line(`[${seconds} s] ${title}${status === 'found' ? ': done before' : ''}`);
  }

  /** Moves the stage's progress. */
  move(done: number, total: number, unit: string): void {
    if (this.progress === undefined || this.total !== total) {
      this.endProgress();
      this.total = total;
      this.progress = new Progress(this.stage, total, unit);
    }
    this.progress.update(done);
    if (done >= total) this.endProgress();
  }

  [Symbol.dispose](): void {
    this.endProgress();
  }

  /** The pipeline's events, shown. */
  readonly events: PipelineEvents = {
    onStage: (title, status) => {
      this.begin(title, status);
    },
    onProgress: (done, total, unit) => {
      this.move(done, total, unit);
    },
    onLogLine: (line) => {
      this.output.line(`  ${describeLine(line)}`);
    },
    onNote: (text) => {
      this.endProgress();
      this.output.line(`  ${text}`);
    },
    onWarning: (text) => {
      this.output.warn(text);
    },
  };

  private endProgress(): void {
    this.progress?.[Symbol.dispose]();
    this.progress = undefined;
  }
}

function describeLine(line: LogLine): string {
  const parts = [
    `iteration ${line.iteration}`,
    `loss ${line.terms.classification.toFixed(3)}`,
    ...(line.lambda === null ? [] : [`λ ${line.lambda.toPrecision(3)}`]),
    ...(line.energy === null ? [] : [`energy ${line.energy.toFixed(4)}`]),
    `smallest angle ${line.minimumAngle.toFixed(1)}°`,
    `${line.imagesPerSecond.toFixed(0)} images/s`,
  ];
  return parts.join(', ');
}

/** Prints what a pipeline came to. */
export function printSummary(output: Output, summary: PipelineSummary): void {
  const { models, pairs, training } = summary;
  const missing = pairs.missing === 0 ? '' : ` (${pairs.missing} more could not be used)`;
  output.line();
  const by = summary.heldOut > 0 ? `${summary.heldOut} people not among them` : 'the given pairs';
  output.line(`Trained on ${training.images} images of ${training.identities} people; evaluated on ${by}:`);
  output.line(`${pairs.matched} matched and ${pairs.mismatched} mismatched pairs${missing}; chance is 50 %.`);
  output.line(`Accuracy by ${summary.protocol}`);
  output.line();
  const rows = [['', 'accuracy', 'AUC', 'EER', 'energy', 'smallest angle', 'nearest, mean', 'mean angle']];
  for (const model of models) rows.push(row(model));
  for (const line of columns(rows)) output.line(line);
  output.line();
  for (const line of effectOfEnergy(models)) output.line(line);
  if (summary.comparison !== null) for (const line of effectOfTuning(summary.comparison)) output.line(line);
  output.line();
  for (const { name, report } of models) output.line(`report of ${titles[name]}: ${report}`);
}

function row({ name, accuracy, auc, eer, spread }: ModelSummary): string[] {
  const share = (value: number) => `${(100 * value).toFixed(2)} %`;
  const error = accuracy.standardError === null ? '' : ` ± ${(100 * accuracy.standardError).toFixed(2)}`;
  return [
    titles[name],
    `${(100 * accuracy.mean).toFixed(2)}${error} %`,
    auc.toFixed(4),
    share(eer),
    ...(spread === null
      ? ['–', '–', '–', '–']
      : [
          spread.energy.toFixed(4),
          `${spread.minimumAngle.toFixed(2)}°`,
          `${spread.meanNearestAngle.toFixed(2)}°`,
          `${spread.meanAngle.toFixed(2)}°`,
        ]),
  ];
}

/** What a fine-tune changed. */
function effectOfTuning({ difference, report }: FineTuneSummary): string[] {
  const points = (value: number) => `${value < 0 ? '−' : '+'}${Math.abs(100 * value).toFixed(2)}`;
  const { low, high } = difference.interval;
  return [
    `Change by the fine-tune: accuracy ${points(difference.mean)} points (95 % interval ${points(low)} to ${points(high)}).`,
    `before and after, side by side: ${report}`,
  ];
}

/** What the energy changed: against the same fine-tune without it where there is one; else against the start, which says less. */
function effectOfEnergy(models: readonly ModelSummary[]): string[] {
  const find = (name: ModelName) => models.find((model) => model.name === name);
  const plus = find('sphereface-plus') ?? find('fine-tuned');
  const control = find('without-energy');
  const reference = control ?? find('sphereface');
  if (!plus?.spread || !reference?.spread) return [];
  const [of, against] = [
    { ...plus, spread: plus.spread },
    { ...reference, spread: reference.spread },
  ];
  const change = (value: (model: typeof of) => number, digits: number) => {
    const difference = value(of) - value(against);
    return `${difference < 0 ? '−' : '+'}${Math.abs(difference).toFixed(digits)}`;
  };
  const what =
    control === undefined
      ? 'Change from SphereFace to SphereFace+ (more training and MHE; --control tells them apart)'
      : 'Change due to MHE (against more training without it)';
  return [
    `${what}: energy ${change(({ spread }) => spread.energy, 4)}, ` +
      `smallest angle ${change(({ spread }) => spread.minimumAngle, 2)}°, ` +
      `mean angle to the nearest ${change(({ spread }) => spread.meanNearestAngle, 2)}°, ` +
      `accuracy ${change(({ accuracy }) => 100 * accuracy.mean, 2)} points.`,
  ];
}

/** Aligns columns: the first to the left, the others to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  return rows.map((cells) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '),
  );
}
