import { existsSync } from 'node:fs';
import { appendFile, open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useScratch } from '../testing/scratch.js';
import { TrainingLog } from '../training/log.js';
import { writeFileAtomic } from './atomic.js';
import { SphereFaceError } from './errors.js';
import { writing } from './writing.js';

const scratch = useScratch();

/** What the system says of an open file on a full disk. */
function noSpace(): Error {
  return Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
}

describe('an error of writing', () => {
  it('names the file, and says what to do', async () => {
    const path = join(scratch.folder, 'model.onnx');
    const failing = writeFileAtomic(path, {
      *[Symbol.iterator]() {
        yield new Uint8Array(4);
        throw noSpace();
      },
    });
    await expect(failing).rejects.toBeInstanceOf(SphereFaceError);
    await expect(failing).rejects.toThrow(/model.onnx cannot be written[^]*ENOSPC[^]*make room on the disk/);
    expect(existsSync(path)).toBe(false);
  });

  it('is left as it is where it names a file, or is about something else', async () => {
    const missing = join(scratch.folder, 'none', 'a');
    await expect(writing('x', () => open(missing, 'w'))).rejects.toThrow(/^ENOENT/);
    await expect(writing('x', () => Promise.reject(new TypeError('wrong')))).rejects.toThrow(TypeError);
  });

  // A device of Linux that is always full.
  it.skipIf(!existsSync('/dev/full'))('is named for the lines of a log', async () => {
    await expect(appendFile('/dev/full', 'x')).rejects.toThrow(/^ENOSPC[^/]*$/);
    await expect(new TrainingLog('/dev/full').append({} as never)).rejects.toThrow(/\/dev\/full cannot be written/);
  });
});
