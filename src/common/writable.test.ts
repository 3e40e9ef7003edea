// Outputs that can be written, and what is said of those that cannot.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from './errors.js';
import { requireWritableFile, requireWritableFolder } from './writable.js';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'sphereface-writable-'));
  await writeFile(join(scratch, 'file'), '');
});
afterAll(() => rm(scratch, { recursive: true }));

describe('outputs that can be written', () => {
  it('are files in folders, new or not, and folders at any depth', async () => {
    await requireWritableFile(join(scratch, 'new.npz'));
    await requireWritableFile(join(scratch, 'file'));
    await requireWritableFolder(scratch);
    await requireWritableFolder(join(scratch, 'a', 'b'));
  });

  it.each([
    ['a file in no folder', () => requireWritableFile(join(scratch, 'none', 'x.npz')), /no folder .*none[^]*mkdir -p/],
    ['a file that is a folder', () => requireWritableFile(scratch), /is a folder/],
    ['a file in a file', () => requireWritableFile(join(scratch, 'file', 'x.npz')), /cannot be written/],
    ['a folder that is a file', () => requireWritableFolder(join(scratch, 'file')), /is a file/],
    ['a folder in a file', () => requireWritableFolder(join(scratch, 'file', 'a')), /file is a file/],
  ])('are not %s', async (_, ask, message) => {
    await expect(ask()).rejects.toBeInstanceOf(UsageError);
    await expect(ask()).rejects.toThrow(message);
  });
});
