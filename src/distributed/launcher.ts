// Whether a launcher (mpirun, mpiexec, srun) started this process as one of several, as it says in the environment.
import { availableParallelism, cpus } from 'node:os';

/** What a launcher tells a process that it has started. */
export interface Launch {
  /** Which library's launcher it is, as far as that can be told: it chooses the library that is tried first. */
  readonly launcher: 'Open MPI' | 'MPICH or Intel MPI' | 'Slurm';
  readonly rank: number;
  readonly size: number;
  /** Processes on this machine; undefined where the launcher does not say. */
  readonly localSize: number | undefined;
}

/** The names that each launcher uses, in the order in which they count: `srun` may start a launcher of its own kind. */
const variables = [
  {
    launcher: 'Open MPI',
    size: 'OMPI_COMM_WORLD_SIZE',
    rank: 'OMPI_COMM_WORLD_RANK',
    localSize: 'OMPI_COMM_WORLD_LOCAL_SIZE',
  },
  { launcher: 'MPICH or Intel MPI', size: 'PMI_SIZE', rank: 'PMI_RANK', localSize: 'MPI_LOCALNRANKS' },
  // Of a step, not of the job: a batch script is one process, whatever the job's number of tasks.
  { launcher: 'Slurm', size: 'SLURM_STEP_NUM_TASKS', rank: 'SLURM_PROCID', localSize: 'SLURM_STEP_TASKS_PER_NODE' },
] as const;

/** What the launcher says; undefined for a process by itself. */
export function launchOf(environment: NodeJS.ProcessEnv = process.env): Launch | undefined {
  for (const { launcher, ...names } of variables) {
    const [size, rank] = [integerOf(environment[names.size]), integerOf(environment[names.rank])];
    if (size === undefined || rank === undefined || size < 2) continue;
    return { launcher, rank, size, localSize: localSizeOf(environment[names.localSize], environment.SLURM_NODEID) };
  }
  return undefined;
}

/** A number, or Slurm's list of numbers per machine: `4(x2),3`. */
function localSizeOf(text: string | undefined, node = '0'): number | undefined {
  const machines = (text ?? '').split(',').flatMap((part) => {
    const [, size, times = '1'] = /^(\d+)(?:\(x(\d+)\))?$/.exec(part) ?? [];
    return size === undefined ? [] : Array.from({ length: Number(times) }, () => Number(size));
  });
  return machines[Number(node)] ?? machines[0];
}

function integerOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Threads for this process: its share of the machine's processors, and no more than those that it is bound to. */
export function threadsPerProcess(launch = launchOf()): number {
  const share = Math.floor(cpus().length / (launch?.localSize ?? 1));
  return Math.max(1, Math.min(availableParallelism(), launch === undefined ? Infinity : share));
}

/**
 * Processors that lie idle because the launcher bound this process to fewer than its share, which Open MPI does with two processes or
 * one (`--bind-to core`); undefined when it has its share.
 */
export function boundTo(launch = launchOf()): { readonly processors: number; readonly share: number } | undefined {
  if (launch === undefined) return undefined;
  const share = Math.floor(cpus().length / (launch.localSize ?? 1));
  const processors = availableParallelism();
  return processors < share ? { processors, share } : undefined;
}
