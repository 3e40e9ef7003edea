// Commands under mpirun or srun: several processes do one command's work, rank 0 speaks, and one that fails ends them all. The ranks of
// `study` do not meet: they find each other's work in its folder.
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { UsageError } from '../common/index.js';
import { type Communicator, joinWorld, launchOf, oneProcess, OtherRankError, rankName } from '../distributed/index.js';
import { exitStatus } from './exit-status.js';

/** The commands that divide their work; any other would do all of it in every process. */
const divided = ['train', 'embed', 'prepare', 'study'];

/** Milliseconds that a rank other than 0 waits before it tells an error: where all fail alike, rank 0 has told it and ended them. */
const patience = 1000;
/** Milliseconds in which the rank that failed is expected to end the others. */
const lastResort = 20_000;

let world: Communicator = oneProcess;

/** Does a command's work in every process of the group. The group ends with it, or with the first that fails ({@link failTogether}). */
export async function onRanks<T>(work: (communicator: Communicator) => Promise<T>): Promise<T> {
  world = await joinWorld();
  const result = await work(world);
  await world[Symbol.asyncDispose]();
  world = oneProcess;
  return result;
}

/** @throws UsageError when several processes were started for a command that is one process's. */
export function requireDivided(command: Command): void {
  const launch = launchOf();
  if (launch === undefined || divided.includes(command.name())) return;
  throw new UsageError(`sphereface ${command.name()} is one process's work.`, {
    got: `${launch.size} processes, started by ${launch.launcher}`,
    expected: `mpirun or srun with ${divided.slice(0, -1).join(', ')} or ${divided.at(-1)}`,
    next: 'run it without mpirun or srun',
  });
}

/** Whether this process speaks for its group, as far as the launcher says before the group has met. */
export function isFirst(): boolean {
  return (launchOf()?.rank ?? 0) === 0;
}

/**
 * Ends a command that failed: its error is told once, by the rank that it befell or the first of them, and all processes end.
 * @param tell writes the error; it is given how the rank is called, if there are others.
 */
export async function failTogether(error: unknown, tell: (who: string | undefined) => void): Promise<void> {
  const launch = launchOf();
  if (error instanceof OtherRankError) await pause(lastResort);
  else if (launch === undefined) tell(undefined);
  else {
    if (!isFirst()) await pause(patience);
    tell(world.size === 1 ? `rank ${launch.rank}` : rankName(world, world.rank));
  }
  process.exitCode = exitStatus(error);
  if (world.size > 1) world.abort(process.exitCode);
}
