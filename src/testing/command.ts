// Runs one command of the command line inside the test process and gives what it printed.
import { Command } from 'commander';
import { vi } from 'vitest';

/** What a command left behind. `error` is what it threw: main.ts turns that into a message and an exit code. */
export interface CommandRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly error?: unknown;
}

/** Runs `sphereface <args>` with only the command that `register` adds. */
export async function runCommand(register: (program: Command) => void, args: readonly string[]): Promise<CommandRun> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      written[name] += String(text);
      return true;
    }),
  );
  try {
    const program = new Command('sphereface').exitOverride();
    register(program);
    await program.parseAsync([...args], { from: 'user' });
    return written;
  } catch (error) {
    return { ...written, error };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
