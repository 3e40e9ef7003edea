// What launchers say in the environment, and how it is read.
import { availableParallelism, cpus } from 'node:os';
import { expect, it } from 'vitest';
import { launchOf, threadsPerProcess } from './index.js';
import { nameOf } from './mpi/transport.js';

it.each([
  [{ OMPI_COMM_WORLD_SIZE: '4', OMPI_COMM_WORLD_RANK: '3', OMPI_COMM_WORLD_LOCAL_SIZE: '2' }, 'Open MPI', 4, 3, 2],
  [{ PMI_SIZE: '2', PMI_RANK: '0', MPI_LOCALNRANKS: '2' }, 'MPICH or Intel MPI', 2, 0, 2],
  [
    { SLURM_STEP_NUM_TASKS: '6', SLURM_PROCID: '5', SLURM_STEP_TASKS_PER_NODE: '4,2', SLURM_NODEID: '1' },
    'Slurm',
    6,
    5,
    2,
  ],
  [
    { SLURM_STEP_NUM_TASKS: '8', SLURM_PROCID: '5', SLURM_STEP_TASKS_PER_NODE: '4(x2)', SLURM_NODEID: '1' },
    'Slurm',
    8,
    5,
    4,
  ],
  [
    { PMI_SIZE: '2', PMI_RANK: '1', SLURM_STEP_NUM_TASKS: '2', SLURM_PROCID: '1' },
    'MPICH or Intel MPI',
    2,
    1,
    undefined,
  ],
])('%j is rank of a group', (environment, launcher, size, rank, localSize) => {
  expect(launchOf(environment)).toEqual({ launcher, size, rank, localSize });
});

it('takes a process for itself outside of launchers, in a group of one, and in a batch script', () => {
  expect(launchOf({})).toBeUndefined();
  expect(launchOf({ OMPI_COMM_WORLD_SIZE: '1', OMPI_COMM_WORLD_RANK: '0' })).toBeUndefined();
  expect(launchOf({ SLURM_NTASKS: '8', SLURM_PROCID: '0' })).toBeUndefined();
});

it('divides the processors among the processes of a machine, and gives each at least one thread', () => {
  const launch = { launcher: 'Open MPI', rank: 0, size: 64 } as const;
  expect(threadsPerProcess(undefined)).toBe(availableParallelism());
  expect(threadsPerProcess({ ...launch, localSize: 64 })).toBe(Math.max(1, Math.floor(cpus().length / 64)));
  expect(threadsPerProcess({ ...launch, localSize: undefined })).toBe(availableParallelism());
});

it.each([
  ['Open MPI v5.0.3, package: Debian OpenMPI, ident: 5.0.3, repo rev: v5.0.3', 'Open MPI 5.0.3'],
  ['MPICH Version:      4.0.2\nMPICH Release date: Thu Apr  7', 'MPICH 4.0.2'],
  ['Intel(R) MPI Library 2021.13 for Linux* OS\n', 'Intel MPI 2021.13'],
  ['MVAPICH2 Version      :\t2.3.7\nMore', 'MVAPICH2 Version      :\t2.3.7'],
])('names %j', (version, name) => {
  expect(nameOf(version)).toBe(name);
});
