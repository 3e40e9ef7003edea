#!/usr/bin/env node
// The command line's entry: gathers the commands, turns errors into messages and exit statuses.
import { Command } from 'commander';
import { packageVersion } from '../common/index.js';
import { blockOtherLoaders } from '../images/index.js';
import { survivePipes } from './closed-pipes.js';
import { commands } from './commands.js';
import { reportError } from './error-report.js';
import { handleInterrupts } from './interrupt.js';
import { failTogether, isFirst, requireDivided } from './ranks.js';

survivePipes();
handleInterrupts();
const program = new Command('sphereface')
  .description('Train, evaluate and deploy face-verification models: SphereFace+ from photos to a report.')
  .version(packageVersion)
  .showHelpAfterError('(add --help for what this command takes)')
  .exitOverride();
// Before the commands are registered: they inherit it. What is wrong in a command line is wrong in that of every process.
if (!isFirst()) program.configureOutput({ writeOut: () => undefined, writeErr: () => undefined });
for (const register of commands) register(program);
blockOtherLoaders();
let running: Command = program;
program.hook('preAction', (_, command) => {
  running = command;
  requireDivided(command);
});

try {
  await program.parseAsync();
} catch (error) {
  await failTogether(error, (who) => reportError(error, running, { json: process.argv.includes('--json'), who }));
}
