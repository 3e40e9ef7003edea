// A run is trained by one process, or one group of ranks, at a time: two at once would delete each other's checkpoints and mix up the log.
import { mkdir, rmdir } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { Claim, claimFile, innerPatience, type OtherClaim } from '../common/claim.js';
import { SphereFaceError } from '../common/errors.js';
import { requireWritableFolder } from '../common/writable.js';
import { type Communicator, together } from '../distributed/index.js';

/**
 * Claims the folder of a run, which is made if it is not there. Rank 0 holds the claim for all. Disposing of it gives it up, and takes a
 * folder that it made away again if nothing came into it.
 * @throws UsageError when the folder cannot be written to; SphereFaceError when another process is at work on the run.
 */
export async function claimRun(folder: string, communicator: Communicator): Promise<AsyncDisposable> {
  const release = await together(communicator, () =>
    communicator.rank === 0 ? claimed(folder) : Promise.resolve(() => Promise.resolve()),
  );
  return { [Symbol.asyncDispose]: release };
}

async function claimed(folder: string): Promise<() => Promise<void>> {
  await requireWritableFolder(folder);
  const made = await mkdir(resolve(folder), { recursive: true });
  const path = join(folder, claimFile);
  // A run may be a cell of a study, whose claim is around this one.
  const claim = await Claim.take(path, { patience: innerPatience });
  if (!(claim instanceof Claim)) throw atWork(folder, path, claim);
  return async () => {
    await claim[Symbol.asyncDispose]();
    if (made !== undefined) await removeEmpty(resolve(folder), made);
  };
}

function atWork(folder: string, path: string, { holder }: OtherClaim) {
  return new SphereFaceError(`Another process is at work on the run ${folder}.`, {
    got: holder === undefined ? `${path}, just being written` : `process ${holder.pid} on ${holder.host}, in ${path}`,
    expected: 'one process that trains a run at a time',
    next: `wait until it has ended, or stop it; if there is no such process, delete ${path}`,
  });
}

/** Removes a folder and those around it up to `outermost`, as far as they are empty. */
async function removeEmpty(folder: string, outermost: string): Promise<void> {
  for (let one = folder; !relative(outermost, one).startsWith('..'); one = dirname(one)) {
    try {
      await rmdir(one);
    } catch {
      return;
    }
  }
}
