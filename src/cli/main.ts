#!/usr/bin/env node
// The command line's entry: gathers the commands, turns errors into messages and exit codes (0 done, 1 failed, 2 usage).
import { Command, CommanderError } from 'commander';
import { messageOf, packageVersion, UsageError } from '../common/index.js';
import { commands } from './commands.js';

const program = new Command('sphereface')
  .description('Train, evaluate and deploy face-verification models: SphereFace+ from photos to a report.')
  .version(packageVersion)
  .showHelpAfterError('(add --help for what this command takes)')
  .exitOverride();
for (const register of commands) register(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    process.stderr.write(`error: ${messageOf(error)}\n`);
    if (process.env.SPHEREFACE_DEBUG !== undefined && error instanceof Error) process.stderr.write(`${error.stack}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  }
}
