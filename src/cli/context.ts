// What every command shares: the common options, where output goes, and progress on long work.
import { availableParallelism } from 'node:os';
import { SingleBar } from 'cli-progress';
import { type Command, InvalidArgumentError, Option } from 'commander';

/** The devices a graph can run on (see `runtime/`). */
export const devices = ['cpu', 'cuda', 'webgpu'] as const;

/** The options that every command takes. */
export interface CommonOptions {
  readonly device: (typeof devices)[number];
  readonly threads: number;
  readonly json?: boolean;
  readonly models?: string;
}

/** Adds `--device`, `--threads`, `--json` and `--models` to a command. */
export function withCommonOptions(command: Command): Command {
  return command
    .addOption(new Option('--device <device>', 'where to compute').choices(devices).default('cpu'))
    .addOption(
      new Option('--threads <n>', 'threads to compute with').argParser(positiveInteger).default(availableParallelism()),
    )
    .option('--json', 'print one JSON object on stdout and everything else on stderr')
    .addOption(
      new Option('--models <dir>', 'use the weights in this folder, without network').env('SPHEREFACE_MODELS'),
    );
}

/** Parses a positive integer option; commander turns the error into exit code 2. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a positive integer');
  return value;
}

/** Parses a finite number option. */
export function finiteNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number');
  return value;
}

/** Commander's accumulator for options that may be given several times. */
export function collect(text: string, previous: readonly string[] = []): string[] {
  return [...previous, text];
}

/** Where a command writes: text for people, or with `--json` one object on stdout and text on stderr. */
export class Output {
  constructor(private readonly json: boolean) {}

  /** A line for people. */
  line(text = ''): void {
    (this.json ? process.stderr : process.stdout).write(`${text}\n`);
  }

  /** A warning, always on stderr. */
  warn(text: string): void {
    process.stderr.write(`warning: ${text}\n`);
  }

  /** The command's result as data; printed with `--json` only. Call it once, last. */
  result(value: object): void {
    if (!this.json) return;
    resultIsPrinted = true;
    process.stdout.write(`${JSON.stringify(value)}\n`);
  }
}

let resultIsPrinted = false;

/** Whether a command of this process has printed its JSON object: an error that comes after it is no second one. */
export function hasPrintedResult(): boolean {
  return resultIsPrinted;
}

/** Progress of long work: a live bar on a terminal, a plain line every few seconds elsewhere; always on stderr. */
export class Progress implements Disposable {
  private readonly bar: SingleBar | undefined;
  private readonly started = Date.now();
  private printed = Date.now();
  private done = 0;

  constructor(
    private readonly label: string,
    private readonly total: number,
    private readonly unit = 'images',
  ) {
    if (!process.stderr.isTTY) return;
    const format = `${label} {bar} {percentage}% | {value}/{total} ${unit} | {rate} ${unit}/s | {eta_formatted} left`;
    this.bar = new SingleBar({ format, stream: process.stderr, hideCursor: true, barsize: 24, etaBuffer: 50 });
    this.bar.start(total, 0, { rate: '-' });
  }

  /** Reports that `done` of the total are finished. */
  update(done: number): void {
    this.done = done;
    const rate = this.rate();
    if (this.bar !== undefined) {
      this.bar.update(done, { rate });
    } else if (Date.now() - this.printed >= 5000) {
      this.printed = Date.now();
      process.stderr.write(`${this.label}: ${done}/${this.total} ${this.unit}, ${rate} ${this.unit}/s\n`);
    }
  }

  [Symbol.dispose](): void {
    if (this.bar !== undefined) this.bar.stop();
    else
      process.stderr.write(`${this.label}: ${this.done}/${this.total} ${this.unit}, ${this.rate()} ${this.unit}/s\n`);
  }

  private rate(): string {
    return (this.done / Math.max((Date.now() - this.started) / 1000, 1e-3)).toFixed(1);
  }
}
