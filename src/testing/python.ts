// Debian's Python as an independent reference where it is installed; tests that need it are reported as skipped elsewhere.
import { spawnSync } from 'node:child_process';

/** Debian's own, whatever other Python stands before it. */
export const interpreter = '/usr/bin/python3';

/** Whether Debian's Python has a module. */
export function pythonHas(module: string): boolean {
  const found = spawnSync(interpreter, [
    '-c',
    `import importlib.util as u, sys; sys.exit(u.find_spec("${module}") is None)`,
  ]);
  return found.status === 0;
}

/** Runs a program given as text, with data on its standard input; returns its exit code and everything it printed. */
export function runPython(
  program: string,
  input: Uint8Array,
): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(interpreter, ['-c', program], { input });
  return { status, output: `${stdout.toString()}${stderr.toString()}` };
}
