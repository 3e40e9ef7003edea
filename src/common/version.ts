// The version of this package, as written into the files it makes.
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** `major.minor.patch`, from package.json. */
export const packageVersion: string = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))).version;
