import { spawnSync } from 'node:child_process';
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { useScratch } from '../testing/scratch.js';
import { Claim } from './claim.js';

const scratch = useScratch();
const path = () => join(scratch.folder, 'claim.json');

/** A claim of another process, whose last sign of life was so many seconds ago. */
async function claimOf(host: string, pid: number, seconds = 0): Promise<void> {
  await writeFile(path(), JSON.stringify({ host, pid, id: 'other' }));
  const time = Date.now() / 1000 - seconds;
  await utimes(path(), time, time);
}

it('is held by one, named to all others, and gone when the work is', async () => {
  {
    await using claim = await take();
    expect(claim).toBeInstanceOf(Claim);
    expect(await Claim.take(path())).toMatchObject({ process: { host: hostname(), pid: process.pid } });
  }
  expect(await readdir(scratch.folder)).toEqual([]);
});

it.each([
  ['a process of this machine that is gone', hostname(), spawnSync(process.execPath, ['-e', '']).pid, 0],
  ['an earlier process with the number of this one', hostname(), process.pid, 0],
  ['a process of another machine, silent for three minutes', 'elsewhere', 1, 181],
])('of %s counts for nothing', async (_, host, pid, seconds) => {
  await claimOf(host, pid, seconds);
  await using claim = await take();
  expect(claim).toBeInstanceOf(Claim);
  expect(await readdir(scratch.folder)).toEqual(['claim.json']);
});

it.each([
  ['a process of this machine, silent because it was suspended', hostname(), process.ppid, 600],
  ['a process of another machine that was heard of two minutes ago', 'elsewhere', 1, 120],
])('of %s counts', async (_, host, pid, seconds) => {
  await claimOf(host, pid, seconds);
  const before = await readFile(path(), 'utf8');
  expect(await Claim.take(path())).toMatchObject({ process: { host, pid } });
  expect(await readFile(path(), 'utf8')).toBe(before);
});

it('counts while it is only half written, and holds nobody up for ever', async () => {
  await writeFile(path(), '{"host":');
  expect(await Claim.take(path())).toEqual({ process: undefined });
  await utimes(path(), 0, 0);
  await using claim = await take();
  expect(claim).toBeInstanceOf(Claim);
});

it("leaves alone what has become another process's", async () => {
  {
    await using claim = await take();
    expect(claim).toBeInstanceOf(Claim);
    await claimOf('elsewhere', 1);
  }
  expect(await readdir(scratch.folder)).toEqual(['claim.json']);
});

async function take(): Promise<Claim> {
  const claim = await Claim.take(path());
  if (claim instanceof Claim) return claim;
  throw new Error(`claimed by ${JSON.stringify(claim)}`);
}
