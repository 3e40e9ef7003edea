// Finding and loading an MPI library through koffi.
import type { LibraryHandle } from 'koffi';
import { lineOf, SphereFaceError } from '../../common/errors.js';
import type { Launch } from '../launcher.js';

export type Koffi = Pick<typeof import('koffi'), 'load' | 'address'>;

/** The variable that names the library, for one that is not found or not the launcher's. */
export const libraryVariable = 'SPHEREFACE_MPI_LIBRARY';

/** Names under which the system's loader may know them. Version 40 is Open MPI 3 to 5; 12 is the ABI that MPICH and Intel MPI share. */
const openMpi = ['libmpi.so.40', 'libmpi.40.dylib'];
const mpich = ['libmpi.so.12', 'libmpich.so.12', 'libmpi.12.dylib'];
const either = ['libmpi.so', 'libmpi.dylib'];

function candidates(launcher: Launch['launcher']): readonly string[] {
  switch (launcher) {
    case 'Open MPI':
      return [...openMpi, ...either];
    case 'MPICH or Intel MPI':
      return [...mpich, ...either];
    case 'Slurm':
      return [...openMpi, ...mpich, ...either];
    default:
      return launcher satisfies never;
  }
}

/**
 * Loads the launcher's library, or the one that SPHEREFACE_MPI_LIBRARY names.
 * @throws SphereFaceError when koffi is not installed, or no library can be loaded.
 */
export async function loadLibrary(launch: Launch): Promise<{ koffi: Koffi; library: LibraryHandle; path: string }> {
  const started = `${launch.launcher} started this process as one of ${launch.size}`;
  const koffi = await import('koffi').catch((cause: unknown) => {
    throw new SphereFaceError('Several processes need koffi, which calls the MPI library, and it is not there.', {
      got: `${started}; ${lineOf(cause)}`,
      expected: 'the optional dependency koffi, with its binary for this platform',
      next: 'npm install koffi, or start one process without mpirun or srun',
      cause,
    });
  });
  const named = process.env[libraryVariable];
  const failures: string[] = [];
  for (const path of named === undefined ? candidates(launch.launcher) : [named]) {
    try {
      // Global: Open MPI's components take their symbols from it.
      return { koffi: koffi.default, library: koffi.default.load(path, { global: true }), path };
    } catch (error) {
      failures.push(`${path}: ${lineOf(error)}`);
    }
  }
  throw new SphereFaceError('The MPI library cannot be loaded.', {
    got: `${started}; ${failures.join('; ')}`,
    expected: "the launcher's own library (Open MPI 4 or 5, MPICH, Intel MPI) where the system's loader finds it",
    next: `install it (Debian: openmpi-bin), load its module, or name the file: ${libraryVariable}=/…/libmpi.so.40`,
  });
}
