// Files that must not outlive the process: removed when it exits before whoever made them has.
import { rmSync } from 'node:fs';

const pending = new Set<string>();

/** Removes `path` at exit (also `process.exit`; not a kill) unless {@link keepTemporary} comes first. */
export function markTemporary(path: string): void {
  if (pending.size === 0) process.on('exit', removePending);
  pending.add(path);
}

/** The file has been renamed or removed. */
export function keepTemporary(path: string): void {
  pending.delete(path);
  if (pending.size === 0) process.removeListener('exit', removePending);
}

function removePending(): void {
  for (const path of pending) rmSync(path, { force: true, recursive: true });
}
