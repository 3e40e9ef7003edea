// A data format of a user's own, for the test that one file and one registration are all it takes.
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type ImageFormat, openedSource } from '../images/index.js';

export const csvFormat: ImageFormat = {
  kind: 'csv',
  describes: 'a table of faces (.csv)',
  documentation: { looksLike: '`file,name` lines', identity: 'the name', order: 'as listed' },
  matches: (path) => path.endsWith('.csv'),
  open: async (path) => {
    const [, ...lines] = (await readFile(path, 'utf8')).trim().split('\n');
    const entries = lines.map((line) => line.split(',')).map(([file, identity]) => ({ file, identity }));
    return openedSource({ kind: 'csv', entries, read: (index) => readFile(join(dirname(path), entries[index].file)) });
  },
};
