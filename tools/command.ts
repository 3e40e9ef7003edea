// The command line from the sources, for tools that are made of commands.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

/** Runs a command of `sphereface` and gives what it prints; what it says besides goes to the terminal. @throws when it fails. */
export function sphereface(...args: string[]): string {
  return execFileSync(process.execPath, ['--import', 'tsx', main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
}
