// Which commands several processes may share, and what the others say.
import { Command } from 'commander';
import { afterEach, expect, it, vi } from 'vitest';
import { UsageError } from '../common/errors.js';
import { commands } from './commands.js';
import { requireDivided } from './ranks.js';

afterEach(() => vi.unstubAllEnvs());

const program = new Command('sphereface');
for (const register of commands) register(program);
const shared = ['prepare', 'embed', 'train', 'study'];

it.each(program.commands.map((command) => [command.name(), command] as const))(
  '%s under a launcher',
  (name, command) => {
    expect(() => requireDivided(command)).not.toThrow();
    vi.stubEnv('OMPI_COMM_WORLD_SIZE', '4');
    vi.stubEnv('OMPI_COMM_WORLD_RANK', '1');
    if (shared.includes(name)) expect(() => requireDivided(command)).not.toThrow();
    else {
      expect(() => requireDivided(command)).toThrow(UsageError);
      expect(() => requireDivided(command)).toThrow(/one process's work\.[^]*4 processes, started by Open MPI/);
    }
  },
);
