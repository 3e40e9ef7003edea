import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../testing/command.js';
import { Output } from './context.js';
import { reportError } from './error-report.js';
import { visible } from './visible.js';

describe('text on a terminal', () => {
  it('has no control characters but line breaks and tabs', () => {
    expect(visible('a\x1b[2Jb\x07\r\x9b0m\tc\nd')).toBe('a\\x1b[2Jb\\x07\\x0d\\x9b0m\tc\nd');
  });

  it('is what commands print of names and errors', async () => {
    const { stdout, stderr } = await runCommand(
      (program) =>
        program.command('say').action(() => {
          const out = new Output(false);
          out.line('line \x1b[31m');
          out.warn('warn \x1b[31m');
          reportError(new Error('error \x1b[31m'), new Command(), { json: false });
        }),
      ['say'],
    );
    expect([stdout, stderr].join('')).not.toContain('\x1b');
    expect(`${stdout}${stderr}`.match(/\\x1b\[31m/g)).toHaveLength(3);
  });
});
