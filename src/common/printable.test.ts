import { expect, it } from 'vitest';
import { printable, printableName } from './printable.js';

it('shows what would change a terminal, and leaves the lines of a message and all letters alone', () => {
  expect(printable('\x1b[31mred\x1b[0m\x1b]0;pwned\x07 \x9b1m\x7f\r\n\tZoë 李')).toBe(
    '\\x1b[31mred\\x1b[0m\\x1b]0;pwned\\x07 \\x9b1m\\x7f\\r\n\tZoë 李',
  );
});

it('shows the breaks in a name as well', () => {
  expect(printableName('new\nline\tand\u2028more\x1b')).toBe('new\\nline\\tand\\u2028more\\x1b');
});
