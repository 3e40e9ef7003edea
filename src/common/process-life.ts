// Whether a process of this machine lives. A number alone does not say it: after a restart of the machine, or of a container, another
// process may have it.
import { readFileSync } from 'node:fs';

/** What tells a process from an earlier one of the same number; `undefined` where the system does not say. */
export function startOf(pid: number): string | undefined {
  try {
    // Linux: the 22nd field is the time of its start. The second, its name in parentheses, may hold blanks.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Whether the process lives that had this number and start; a suspended one does. */
export function isAlive(pid: number, start: string | undefined): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // What may not be signalled is there.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = startOf(pid);
  return start === undefined || now === undefined || now === start;
}
