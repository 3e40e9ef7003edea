// A folder for the files of one test, and the sources opened in it: both gone after the test.
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { type OpenSourceOptions, openImageSource } from '../images/formats/index.js';
import type { OpenedSource } from '../images/source.js';

/** What a test file gets from {@link useScratch}. */
export interface Scratch {
  /** The folder of the running test, without links in its path. */
  readonly folder: string;
  /** Writes a file, folders included; its content is its path unless given. Returns its absolute path. */
  put(path: string, content?: string | Uint8Array): Promise<string>;
  /** Opens a source; the test's end closes it. */
  open(path: string, options?: OpenSourceOptions): Promise<OpenedSource>;
}

/** Makes a new folder before each test of the file and removes it afterwards. */
export function useScratch(): Scratch {
  let folder = '';
  const opened: OpenedSource[] = [];
  beforeEach(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'sphereface-images-')));
  });
  afterEach(async () => {
    for (const source of opened.splice(0)) await source.dispose();
    await rm(folder, { recursive: true });
  });
  return {
    get folder() {
      return folder;
    },
    put: async (path, content = path) => {
      const target = join(folder, path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
      return target;
    },
    open: async (path, options) => {
      const source = await openImageSource(path, options);
      opened.push(source);
      return source;
    },
  };
}
