// Who is on an image by its name, for folders without identity folders: `anna_001.jpg` by the pattern `{identity}_*`.
import { normaliseName } from '../common/names.js';
import { UsageError } from '../common/errors.js';

/** A function that tells an identity from a path; `undefined` where the pattern does not fit. */
export type IdentityOf = (file: string) => string | undefined;

/**
 * Reads a pattern. `{identity}` stands for the name, as long as possible, `*` for any characters and `?` for one; a pattern
 * without `/` is about the file's name, one with it about the whole path. A RegExp, or text without `{identity}`, is a
 * regular expression with one group, searched in the path.
 * @throws UsageError for a pattern that names no identity, or several.
 */
export function identityPattern(pattern: string | RegExp): IdentityOf {
  const text = typeof pattern === 'string' ? pattern : pattern.source;
  const wrong = (got: string, cause?: unknown): UsageError =>
    new UsageError('The pattern does not say where the identity stands.', {
      got,
      expected: '{identity} once, as in {identity}_*, or a regular expression with one group, as in ^([a-z]+)_',
      cause,
    });
  const parts = typeof pattern === 'string' ? pattern.split('{identity}') : [];
  if (parts.length > 2) throw wrong(text);
  if (parts.length === 2) {
    const whole = text.includes('/');
    const expression = new RegExp(`^${globbed(parts[0])}(${whole ? '[^/]+' : '.+'})${globbed(parts[1])}$`, 'u');
    return (file) => identity(expression.exec(whole ? file : file.slice(file.lastIndexOf('/') + 1)));
  }
  let expression: RegExp;
  try {
    expression =
      typeof pattern === 'string'
        ? new RegExp(pattern, 'u')
        : new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
  } catch (cause) {
    throw wrong(text, cause);
  }
  // One alternative that always matches: the groups of the other are counted.
  const groups = (new RegExp(`${expression.source}|`, expression.flags).exec('')?.length ?? 1) - 1;
  if (groups !== 1) throw wrong(`${text}: ${groups} groups`);
  return (file) => identity(expression.exec(file));
}

function identity(match: RegExpExecArray | null): string | undefined {
  return match?.[1] === undefined || match[1] === '' ? undefined : normaliseName(match[1]);
}

function globbed(text: string): string {
  return text
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^/]*')
    .replaceAll('?', '[^/]');
}
