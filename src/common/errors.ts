// Errors that help: what was wrong, what was got, what was expected, and what to do next.

/** The parts of a helpful error. Only what is known needs to be given. */
export interface ErrorParts {
  /** What was found, e.g. a shape or a value. */
  readonly got?: string;
  /** What would have been right. */
  readonly expected?: string;
  /** What the reader can do now. */
  readonly next?: string;
  readonly cause?: unknown;
}

/** A failure the user can act on. `message` holds all parts in one readable text; the parts stay accessible. */
export class SphereFaceError extends Error {
  readonly parts: ErrorParts;

  /** @param what what was wrong, without the parts that follow it in `message` */
  constructor(
    readonly what: string,
    parts: ErrorParts = {},
  ) {
    const lines = [what];
    if (parts.got !== undefined) lines.push(`  got: ${parts.got}`);
    if (parts.expected !== undefined) lines.push(`  expected: ${parts.expected}`);
    if (parts.next !== undefined) lines.push(`  next: ${parts.next}`);
    super(lines.join('\n'), parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = new.target.name;
    this.parts = parts;
  }
}

/** Wrong usage of the command line or of an option: exit code 2. */
export class UsageError extends SphereFaceError {}

/** The user (or the system) asked the work to stop, and it stopped: exit code 130. What is done stays done. */
export class InterruptedError extends SphereFaceError {
  constructor(parts: ErrorParts = {}) {
    super('Interrupted.', parts);
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The message of anything thrown in one line, for lists. */
export function lineOf(error: unknown): string {
  return messageOf(error)
    .trim()
    .replace(/\.?\s*\n\s*/g, '; ');
}
