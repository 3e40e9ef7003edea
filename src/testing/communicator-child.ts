// One rank of the communicator suite: run by mpirun, once for each rank. Prints the library and a line for each check that it passed.
import { joinWorld } from '../distributed/index.js';
import { communicatorChecks } from './communicator-suite.js';

await using communicator = await joinWorld();
const say = (text: string): void => {
  if (communicator.rank === 0) process.stdout.write(`${text}\n`);
};
const machines = new Set(communicator.hosts).size;
say(
  `${communicator.size} ranks on ${machines} ${machines === 1 ? 'machine' : 'machines'} through ${communicator.description}`,
);
for (const [name, check] of Object.entries(communicatorChecks)) {
  await check(communicator);
  say(`passed: ${name}`);
}
