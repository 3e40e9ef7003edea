// Whether something is there.
import { access } from 'node:fs/promises';

/** Whether a path leads to a file or a folder. One that may not be looked at is taken for absent. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
