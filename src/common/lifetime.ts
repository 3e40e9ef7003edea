// From creation to disposal: use is counted, disposal waits for what is under way, and use after it is refused by name.
import { SphereFaceError } from './errors.js';

/** The life of something that must be disposed of. Its owner lets every asynchronous method go through {@link use}. */
export class Lifetime {
  private readonly underWay = new Set<Promise<void>>();
  private ending: Promise<void> | undefined;

  /** @param what names it in errors: `session`, `face detector`. */
  constructor(private readonly what: string) {}

  /** Whether disposal has begun. */
  get over(): boolean {
    return this.ending !== undefined;
  }

  /**
   * Runs `work`; disposal waits for its end.
   * @throws SphereFaceError when disposal has begun.
   */
  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.over) throw new SphereFaceError(`This ${this.what} has been disposed of.`, { next: 'create a new one' });
    const result = work();
    const end = result.then(
      () => undefined,
      () => undefined,
    );
    this.underWay.add(end);
    try {
      return await result;
    } finally {
      this.underWay.delete(end);
    }
  }

  /** Refuses further use, waits for what is under way, then releases, once however often it is called. */
  end(release: () => Promise<void>): Promise<void> {
    this.ending ??= Promise.all(this.underWay).then(release);
    return this.ending;
  }
}
