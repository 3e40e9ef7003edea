// Output that nobody reads any more (`train … | head`, a terminal that is gone) ends the output, never the work.

/** What writing gives where the other end is gone. */
const gone: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

/**
 * Lets stdout and stderr fail without ending the process: it goes on in silence. Where they fail for another reason, say a full
 * disk, the exit code is 1. Call it once, before anything is written.
 */
export function survivePipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (gone.has(code)) return;
      process.exitCode = 1;
      if (stream === process.stdout) process.stderr.write(`error: stdout cannot be written: ${message}\n`);
    });
  }
}
