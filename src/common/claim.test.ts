// Claims: one process's at a time; what counts for nothing, and what does not although it looks so.
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useScratch } from '../testing/scratch.js';
import { Claim, innerPatience } from './claim.js';
import { startOf } from './process-life.js';

const scratch = useScratch();
const path = () => join(scratch.folder, 'claim.json');

/** Puts a claim there, last touched so many seconds ago. */
async function put(content: object | string, seconds = 0): Promise<void> {
  await writeFile(path(), typeof content === 'string' ? content : JSON.stringify(content));
  const time = Date.now() / 1000 - seconds;
  await utimes(path(), time, time);
}

const here = { host: hostname(), pid: process.pid, id: 'x' };

it('is held by one, named to all others, and gone when the work is', async () => {
  {
    await using claim = await take();
    expect(claim).toBeInstanceOf(Claim);
    expect(await Claim.take(path())).toMatchObject({ holder: { host: hostname(), pid: process.pid } });
  }
  expect(await readdir(scratch.folder)).toEqual([]);
});

it.each([
  ['a process of this machine that is gone', { ...here, pid: spawnSync(process.execPath, ['-e', '']).pid }, 0],
  ['a process of another machine, silent for three minutes', { ...here, host: 'elsewhere', pid: 1 }, 181],
])('of %s counts for nothing', async (_, content, seconds) => {
  await put(content, seconds);
  await using claim = await take();
  expect(claim).toBeInstanceOf(Claim);
  expect(await readdir(scratch.folder)).toEqual(['claim.json']);
});

it.runIf(process.platform === 'linux')(
  'of an earlier process with the number of this one counts for nothing',
  async () => {
    await put({ ...here, start: '1' });
    await using claim = await take();
    expect(claim).toBeInstanceOf(Claim);
  },
);

it.each([
  ['a process of this machine, silent because it was suspended', { ...here, pid: process.ppid }, 3600],
  ['the same, with the time of its start', { ...here, start: startOf(process.pid) }, 3600],
  ['a process of another machine that was heard of two minutes ago', { ...here, host: 'elsewhere', pid: 1 }, 120],
])('of %s counts', async (_, content, seconds) => {
  await put(content, seconds);
  const before = await readFile(path(), 'utf8');
  expect(await Claim.take(path())).toMatchObject({ holder: { host: content.host, pid: content.pid } });
  expect(await readFile(path(), 'utf8')).toBe(before);
});

it('within claimed work is dead before that of the work is', async () => {
  await put({ ...here, host: 'elsewhere' }, 170);
  expect(await Claim.take(path())).toMatchObject({ holder: { host: 'elsewhere' } });
  await using claim = await take({ patience: innerPatience });
  expect(claim).toBeInstanceOf(Claim);
});

it.each(['', '{"host":'])('that names nobody (%j) counts for some seconds', async (text) => {
  await put(text);
  expect(await Claim.take(path())).toEqual({ holder: undefined });
  await put(text, 15);
  await using claim = await take();
  expect(claim).toBeInstanceOf(Claim);
});

it("leaves alone what has become another process's", async () => {
  {
    await using claim = await take();
    expect(claim).toBeInstanceOf(Claim);
    await put({ ...here, host: 'elsewhere' });
  }
  expect(await readFile(path(), 'utf8')).toContain('elsewhere');
});

it.runIf(process.platform === 'linux')(
  'leaves no file where nothing can be written',
  async () => {
    const source = new URL('./claim.ts', import.meta.url).href;
    const full = join(scratch.folder, 'full');
    await mkdir(full);
    const script = `
      import { Claim } from ${JSON.stringify(source)};
      await Claim.take(${JSON.stringify(join(full, 'claim.json'))}).catch(({ message }) => console.log(message));`;
    // A limit of no byte for a file stands for the full disk.
    const command = `trap '' XFSZ; ulimit -f 0; exec "$0" --import tsx --input-type=module -e "$1"`;
    const env = { ...process.env, TSX_DISABLE_CACHE: '1' };
    const { stdout } = spawnSync('sh', ['-c', command, process.execPath, script], { env, encoding: 'utf8' });
    expect(stdout).toMatch(/claim\.json cannot be written\.[^]*EFBIG/);
    expect(await readdir(full)).toEqual([]);
  },
  60_000,
);

async function take(options?: Parameters<typeof Claim.take>[1]): Promise<Claim> {
  const claim = await Claim.take(path(), options);
  if (claim instanceof Claim) return claim;
  throw new Error(`claimed by ${JSON.stringify(claim)}`);
}
