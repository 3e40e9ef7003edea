// The version in the code against that of package.json.
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { packageVersion } from './version.js';

it('is the version of package.json', async () => {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  expect(packageVersion).toBe((JSON.parse(text) as { readonly version: string }).version);
});
