// The public face of the distributed layer.
export { assertSameOnAllRanks, gatherValues, onAnyRank, OtherRankError, rankName, together } from './agreement.js';
export type { Communicator, Exchangeable, Reduction } from './communicator.js';
export { boundTo, type Launch, launchOf, threadsPerProcess } from './launcher.js';
export { localGroup } from './local-group.js';
export { oneProcess } from './one-process.js';
export { TimedCommunicator } from './timed.js';
export { equalCounts, evenCounts } from './transport.js';
export { joinWorld } from './world.js';
