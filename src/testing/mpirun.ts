// For tests: starts several processes with Open MPI's mpirun, where it is installed.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Debian calls it by this name whatever other MPI is installed. */
export const mpirun = 'mpirun.openmpi';

/** Whether there is an mpirun. Without one, tests that need it are reported as skipped. */
export const mpiWorks: boolean = (process.env.PATH ?? '')
  .split(delimiter)
  .some((folder) => existsSync(join(folder, mpirun)));

/** Title suffix of a suite that needs mpirun, which says why it is skipped. */
export const mpiTitle: string = mpiWorks
  ? 'under mpirun'
  : `under mpirun (skipped: no ${mpirun}; Debian's openmpi-bin has it)`;

/** How a job ended. */
export interface JobEnd {
  /** `null` when the job was killed. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Job {
  readonly process: ChildProcess;
  readonly end: Promise<JobEnd>;
}

/** Starts a program in the project's folder. @param onOutput told of each piece of standard output. */
export function jobOf(program: string, args: readonly string[], onOutput?: (text: string) => void): Job {
  const child = spawn(program, args, { cwd: root });
  const written = { stdout: '', stderr: '' };
  child.stdout.on('data', (data: Buffer) => {
    written.stdout += data.toString();
    onOutput?.(data.toString());
  });
  child.stderr.on('data', (data: Buffer) => (written.stderr += data.toString()));
  const end = new Promise<JobEnd>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, ...written }));
  });
  return { process: child, end };
}

/**
 * Starts a file of this project, or what node takes in its place, as `ranks` processes; more than there are cores as well.
 * @param onOutput told of each piece of standard output.
 */
export function startRanks(ranks: number, command: readonly string[], onOutput?: (text: string) => void): Job {
  const args = ['--allow-run-as-root', '--oversubscribe', '-n', String(ranks), process.execPath, ...command];
  return jobOf(mpirun, args, onOutput);
}

/** Runs them to their end. */
export function runRanks(ranks: number, command: readonly string[]): Promise<JobEnd> {
  return startRanks(ranks, command).end;
}

/** The processes that mpirun started, in the order of their ranks. */
function ranksOf(pid: number): number[] {
  return execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
    .trim()
    .split(/\s+/)
    .map(Number)
    .sort((a, b) => a - b);
}

/** Kills one of a job's ranks, while all are there: near its end some have gone, and the others' order no longer says which they are. */
export function killRank(pid: number, rank: number, ranks: number): void {
  const there = ranksOf(pid);
  if (there.length === ranks) process.kill(there[rank], 'SIGKILL');
}

/** Runs `sphereface train` on some ranks; when the first line of a step is there, waits `after` milliseconds and does `then` to the job. */
export async function interrupted(
  ranks: number,
  args: readonly string[],
  after: number,
  then: (pid: number) => void,
): Promise<JobEnd> {
  let begun = false;
  const job = startRanks(ranks, args, (text) => {
    if (begun || !text.includes('iterations of')) return;
    begun = true;
    setTimeout(() => {
      if (job.process.exitCode === null) then(job.process.pid!);
    }, after);
  });
  return job.end;
}
