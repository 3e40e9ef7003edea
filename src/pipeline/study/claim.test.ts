// Claims: one process's at a time; what counts for nothing, and what does not although it looks so.
import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Claim } from './claim.js';
import { startOf } from './process-life.js';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sphereface-claim-'));
  file = join(folder, 'claim.json');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Puts a claim there, last touched so many seconds ago. */
async function put(content: object | string, secondsAgo = 0): Promise<void> {
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  const then = new Date(Date.now() - 1000 * secondsAgo);
  await utimes(file, then, then);
}

async function canTake(): Promise<boolean> {
  await using claim = await Claim.take(folder);
  return claim !== undefined;
}

const here = { host: hostname(), pid: process.pid, id: 'x' };

describe('a claim', () => {
  it('is one process’s at a time, and leaves nothing', async () => {
    {
      await using first = await Claim.take(folder);
      expect(first).toBeDefined();
      expect(await canTake()).toBe(false);
    }
    expect(await canTake()).toBe(true);
    expect(await readdir(folder)).toEqual([]);
  });

  it('counts for nothing when its process is gone', async () => {
    const dead = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => dead.once('exit', resolve));
    await put({ ...here, pid: dead.pid });
    expect(await canTake()).toBe(true);
  });

  it('is kept by a living process of this machine, however long it was suspended', async () => {
    for (const start of [undefined, startOf(process.pid)]) {
      await put({ ...here, start }, 3600);
      expect(await canTake()).toBe(false);
    }
  });

  it.runIf(process.platform === 'linux')('is not kept by another process that has the number now', async () => {
    await put({ ...here, start: '1' });
    expect(await canTake()).toBe(true);
  });

  it('of another machine counts for nothing after three minutes of silence', async () => {
    await put({ ...here, host: 'elsewhere' }, 100);
    expect(await canTake()).toBe(false);
    await put({ ...here, host: 'elsewhere' }, 200);
    expect(await canTake()).toBe(true);
  });

  it.each(['', '{"host":'])('that names nobody (%j) counts for nothing after some seconds', async (text) => {
    await put(text);
    expect(await canTake()).toBe(false);
    await put(text, 15);
    expect(await canTake()).toBe(true);
  });

  it('of another process is left alone by one that was taken for dead', async () => {
    {
      await using claim = await Claim.take(folder);
      expect(claim).toBeDefined();
      await put({ ...here, host: 'elsewhere' });
    }
    expect(await readFile(file, 'utf8')).toContain('elsewhere');
  });

  it.runIf(process.platform === 'linux')(
    'leaves no file where nothing can be written',
    async () => {
      const source = new URL('./claim.ts', import.meta.url).href;
      await mkdir(join(folder, 'full'));
      const script = `
      import { Claim } from ${JSON.stringify(source)};
      await Claim.take(${JSON.stringify(join(folder, 'full'))}).catch((error) => console.log(error.code));`;
      // A limit of no byte for a file stands for the full disk.
      const command = `trap '' XFSZ; ulimit -f 0; exec "$0" --import tsx --input-type=module -e "$1"`;
      const env = { ...process.env, TSX_DISABLE_CACHE: '1' };
      const { stdout } = spawnSync('sh', ['-c', command, process.execPath, script], { env, encoding: 'utf8' });
      expect(stdout.trim()).toBe('EFBIG');
      expect(await readdir(join(folder, 'full'))).toEqual([]);
    },
    60_000,
  );
});
