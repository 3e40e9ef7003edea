// What every command shares: the common options, where output goes, and progress on long work.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type Communicator, oneProcess, rankName, threadsPerProcess } from '../distributed/index.js';
import { clearLive } from './live-line.js';
import { say } from './say.js';

export { Progress } from './progress.js';

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
      new Option('--threads <n>', 'threads to compute with').argParser(positiveInteger).default(threadsPerProcess()),
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

/** Parses a number of folds. */
export function severalFolds(text: string): number {
  const value = positiveInteger(text);
  if (value < 2) throw new InvalidArgumentError('expected 2 folds or more');
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

/** Where a command writes: text for people, or with `--json` one object on stdout and text on stderr. Of several ranks, rank 0 speaks. */
export class Output {
  constructor(
    private readonly json: boolean,
    private readonly communicator: Communicator = oneProcess,
  ) {}

  /** A line for people. */
  line(text = ''): void {
    if (this.communicator.rank === 0) say(text, this.json ? 'stderr' : 'stdout');
  }

  /** A warning, always on stderr; any rank may have one of its own. */
  warn(text: string): void {
    const { communicator } = this;
    const who = communicator.rank === 0 ? '' : `${rankName(communicator, communicator.rank)}: `;
    say(`${who}warning: ${text}`, 'stderr');
  }

  /** The command's result as data; printed with `--json` only. Call it once, last. */
  result(value: object): void {
    if (this.communicator.rank !== 0) return;
    clearLive();
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
