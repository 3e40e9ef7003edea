// The group of one: what everything runs on unless a launcher started several processes.
import type { Communicator } from './communicator.js';

/** A process by itself. Its collective calls give back what they were given. */
export const oneProcess: Communicator = {
  rank: 0,
  size: 1,
  localRank: 0,
  localSize: 1,
  hosts: ['this machine'],
  threads: undefined,
  description: 'one process',
  allReduce: () => Promise.resolve(),
  reduceScatter: (data) => Promise.resolve(data.slice()),
  allGather: (data) => Promise.resolve(data.slice() as typeof data),
  broadcast: () => Promise.resolve(),
  barrier: () => Promise.resolve(),
  abort: (exitStatus) => process.exit(exitStatus),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
