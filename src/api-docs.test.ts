// `npm run docs` prints no warning: every type that the public interface mentions is public, every link in a docstring leads somewhere.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

it('npm run docs prints no warning', async () => {
  // typedoc.json makes warnings errors.
  const typedoc = join(root, 'node_modules', 'typedoc', 'bin', 'typedoc');
  const { stdout, stderr } = await promisify(execFile)('node', [typedoc, '--emit', 'none'], { cwd: root }).catch(
    (error: unknown) => expect.fail((error as { stdout: string }).stdout + (error as { stderr: string }).stderr),
  );
  expect(stdout + stderr).not.toMatch(/warning/i);
});
