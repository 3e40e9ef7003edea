#!/usr/bin/env node
// The command line's entry: gathers the commands, turns errors into messages and exit statuses.
import { Command, CommanderError } from 'commander';
import { messageOf, packageVersion } from '../common/index.js';
import { blockOtherLoaders } from '../images/index.js';
import { commands } from './commands.js';
import { exitStatus } from './exit-status.js';
import { inFlags } from './flags.js';
import { handleInterrupts } from './interrupt.js';
import { clearLive } from './live-line.js';

handleInterrupts();
const program = new Command('sphereface')
  .description('Train, evaluate and deploy face-verification models: SphereFace+ from photos to a report.')
  .version(packageVersion)
  .showHelpAfterError('(add --help for what this command takes)')
  .exitOverride();
for (const register of commands) register(program);
blockOtherLoaders();
let running: Command = program;
program.hook('preAction', (_, command) => {
  running = command;
});

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) {
    clearLive();
    process.stderr.write(`error: ${inFlags(messageOf(error), running)}\n`);
    if (process.env.SPHEREFACE_DEBUG !== undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  }
  process.exitCode = exitStatus(error);
}
