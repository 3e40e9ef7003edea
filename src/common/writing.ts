// Errors of writing that name the file: those of a file that is open already (a full disk, a quota, a failing disk) name none.
import { messageOf, SphereFaceError } from './errors.js';

const noRoom = new Set(['ENOSPC', 'EDQUOT']);
const nameless = new Set([...noRoom, 'EFBIG', 'EIO', 'EROFS']);

/** Does the writing of a file. @throws SphereFaceError that names the file where the system's error does not; other errors as they are. */
export async function writing<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const { code, path: named, syscall } = cause as NodeJS.ErrnoException;
    if (code === undefined || !nameless.has(code) || named !== undefined || syscall === 'read') throw cause;
    throw new SphereFaceError(`${path} cannot be written.`, {
      got: messageOf(cause),
      next: noRoom.has(code)
        ? 'make room on the disk or raise the quota, and give the same command again'
        : 'see whether the disk is in order, or choose another place',
      cause,
    });
  }
}
