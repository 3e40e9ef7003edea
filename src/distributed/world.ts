// The group that this process belongs to: all that a launcher has started, or itself alone.
import type { Communicator } from './communicator.js';
import { Group } from './group.js';
import { launchOf } from './launcher.js';
import { joinMpi } from './mpi/transport.js';
import { oneProcess } from './one-process.js';

/**
 * Joins the processes that mpirun, mpiexec or srun has started with this one; {@link oneProcess} when there are no others. Call it once:
 * MPI cannot be joined again after the communicator was disposed of.
 * @throws SphereFaceError when the MPI library is missing or not the launcher's.
 */
export async function joinWorld(): Promise<Communicator> {
  const launch = launchOf();
  return launch === undefined ? oneProcess : new Group(await joinMpi(launch));
}
