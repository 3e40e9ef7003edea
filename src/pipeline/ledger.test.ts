// The ledger of a pipeline: a stage is done once, other settings are refused, failures leave no record.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Ledger, ledgerFile } from './ledger.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sphereface-ledger-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('Ledger', () => {
  it('does a stage once, across openings', async () => {
    let runs = 0;
    const work = () => Promise.resolve({ count: ++runs });
    const first = await Ledger.open(folder);
    expect(await first.stage('a', { x: 1 }, work)).toEqual({ result: { count: 1 }, found: false });
    expect(await first.stage('a', { x: 1 }, work)).toEqual({ result: { count: 1 }, found: true });
    const second = await Ledger.open(folder);
    // A setting that is undefined is one that is absent, as in the stored form.
    expect(await second.stage('a', { x: 1, y: undefined }, work)).toEqual({ result: { count: 1 }, found: true });
    expect(runs).toBe(1);
  });

  it('refuses other settings, naming both', async () => {
    const ledger = await Ledger.open(folder);
    await ledger.stage('train', { rate: 0.1 }, () => Promise.resolve(1));
    await expect(ledger.stage('train', { rate: 0.2 }, () => Promise.resolve(2))).rejects.toThrow(
      /"train"[^]*0\.2[^]*0\.1[^]*-o/,
    );
  });

  it('records nothing of a stage that failed', async () => {
    const ledger = await Ledger.open(folder);
    await expect(ledger.stage('a', {}, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await ledger.stage('a', {}, () => Promise.resolve(7))).toEqual({ result: 7, found: false });
  });

  it('does a stage anew that was forgotten, across openings', async () => {
    const ledger = await Ledger.open(folder);
    for (const name of ['a', 'b']) await ledger.stage(name, {}, () => Promise.resolve(1));
    await ledger.forget('a');
    const again = await Ledger.open(folder);
    expect(await again.stage('a', {}, () => Promise.resolve(2))).toEqual({ result: 2, found: false });
    expect(await again.stage('b', {}, () => Promise.resolve(2))).toEqual({ result: 1, found: true });
  });

  it('refuses a file it does not understand, and leaves it alone', async () => {
    const path = join(folder, ledgerFile);
    for (const text of ['{', '{"version":2,"stages":{}}', '[]']) {
      await writeFile(path, text);
      await expect(Ledger.open(folder)).rejects.toThrow(/no record of a pipeline/);
      expect(await readFile(path, 'utf8')).toBe(text);
    }
  });
});
