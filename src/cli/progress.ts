// Progress of long work: a live line on a terminal, a plain line every few seconds elsewhere; always on stderr.
import { clearLive, drawLive, hasTerminal } from './live-line.js';
import { say } from './say.js';

const redrawAfter = 100;
const printAfter = 5000;
const barWidth = 24;

/** Dispose of it before anything is printed about the finished work. */
export class Progress implements Disposable {
  private first: { readonly done: number; readonly time: number } | undefined;
  private shown = Date.now();
  private done = 0;
  private ended = false;

  constructor(
    private readonly label: string,
    private readonly total: number,
    private readonly unit = 'images',
  ) {}

  /** Reports that `done` of the total are finished. */
  update(done: number): void {
    const now = Date.now();
    this.first ??= { done, time: now };
    this.done = done;
    if (now - this.shown < (hasTerminal() ? redrawAfter : printAfter)) return;
    this.shown = now;
    if (hasTerminal()) drawLive(this.bar());
    else say(this.plain(), 'stderr');
  }

  /** Leaves a last line; nothing when there was nothing to do. */
  [Symbol.dispose](): void {
    if (this.ended) return;
    this.ended = true;
    if (this.first === undefined) clearLive();
    else say(this.plain(), 'stderr');
  }

  private bar(): string {
    const share = this.total === 0 ? 1 : Math.min(1, this.done / this.total);
    const full = Math.round(share * barWidth);
    const bar = '█'.repeat(full) + '░'.repeat(barWidth - full);
    const rate = this.rate();
    const left = rate === undefined ? '' : ` | ${duration((this.total - this.done) / rate)} left`;
    const counts = `${this.done}/${this.total} ${this.unit}${this.rateText(' | ')}`;
    return `${this.label} ${bar} ${Math.floor(100 * share)}% | ${counts}${left}`;
  }

  private plain(): string {
    return `${this.label}: ${this.done}/${this.total} ${this.unit}${this.rateText(', ')}`;
  }

  private rateText(separator: string): string {
    const rate = this.rate();
    return rate === undefined ? '' : `${separator}${rate.toFixed(1)} ${this.unit}/s`;
  }

  /** Per second, of what this run has done: an earlier run's part comes with the first report. */
  private rate(): number | undefined {
    if (this.first === undefined) return undefined;
    const done = this.done - this.first.done;
    const seconds = (Date.now() - this.first.time) / 1000;
    return done > 0 && seconds > 0 ? done / seconds : undefined;
  }
}

/** Seconds in words: `40 s`, `12 min`, `3 h 5 min`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
