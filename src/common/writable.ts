// Whether an output can be written, asked before the work whose result it is to hold.
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { messageOf, UsageError } from './errors.js';
import { exists } from './exists.js';

/**
 * Refuses a file that cannot be written: its folder is not there, is none, or takes no files, or the path is a folder.
 * @throws UsageError
 */
export async function requireWritableFile(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined))?.isDirectory() === true) {
    throw new UsageError(`${path} is a folder.`, { expected: 'the name of a file to write' });
  }
  const folder = dirname(resolve(path));
  if (!(await exists(folder))) {
    throw new UsageError(`${path} cannot be written.`, {
      got: `no folder ${folder}`,
      expected: 'a file in a folder that exists',
      next: `make the folder first: mkdir -p ${folder}`,
    });
  }
  await requireFolder(folder, path);
}

/**
 * Refuses a folder that cannot be made or written to.
 * @throws UsageError
 */
export async function requireWritableFolder(path: string): Promise<void> {
  let existing = resolve(path);
  while (!(await exists(existing)) && dirname(existing) !== existing) {
    existing = dirname(existing);
  }
  await requireFolder(existing, path);
}

async function requireFolder(folder: string, path: string): Promise<void> {
  if (!(await stat(folder)).isDirectory()) {
    throw new UsageError(`${path} cannot be written.`, { got: `${folder} is a file`, expected: 'a folder' });
  }
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw new UsageError(`${path} cannot be written.`, {
      got: messageOf(cause),
      expected: 'a folder that you may write to',
      next: 'choose another place with -o',
      cause,
    });
  });
}
