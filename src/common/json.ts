// JSON from files, checked against a schema; what is wrong with it is said with the place it came from.
import { z } from 'zod';
import { SphereFaceError } from './errors.js';

/**
 * Parses and checks JSON.
 * @param where names the text in errors: a path, or a field of a file.
 * @param next what the reader can do about a text that is not right.
 * @throws SphereFaceError for text that is no JSON, and for JSON that the schema does not allow.
 */
export function parseJson<T>(schema: z.ZodType<T>, text: string, where: string, next = 'see docs/formats.md'): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SphereFaceError(`${where} is not JSON.`, { got: beginning(text, 80), next, cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new SphereFaceError(`${where} does not have the expected form.`, {
    got: beginning(text, 200),
    expected: z.prettifyError(result.error).replaceAll('\n', '; '),
    next,
  });
}

function beginning(text: string, length: number): string {
  return text.trim() === '' ? 'nothing' : text.slice(0, length);
}

/** Whether a value is an object with fields: no list, and not null. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
