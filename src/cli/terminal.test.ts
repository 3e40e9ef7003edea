// What is drawn on a terminal, and what an interruption leaves: the real command, killed by real signals.
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CommanderError } from 'commander';
import { InterruptedError, SphereFaceError, UsageError } from '../common/index.js';
import { runCommand } from '../testing/command.js';
import { Output, Progress } from './context.js';
import { reportError } from './error-report.js';
import { exitStatus } from './exit-status.js';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

/** What a terminal of one growing line shows in the end, for what is written here: text, `\r`, `\n`, "erase the rest". */
function shown(written: string): string[] {
  const lines = [''];
  let column = 0;
  // eslint-disable-next-line no-control-regex -- the terminal's own codes are what is read here
  for (const [part] of written.matchAll(/\x1b\[K|[\s\S]/gu)) {
    const line = lines[lines.length - 1];
    if (part === '\n') {
      lines.push('');
      column = 0;
    } else if (part === '\r') column = 0;
    else if (part === '\x1b[K') lines[lines.length - 1] = line.slice(0, column);
    else lines[lines.length - 1] = line.slice(0, column) + part + line.slice(++column);
  }
  return lines;
}

describe('on a terminal', () => {
  afterAll(() => {
    vi.restoreAllMocks();
  });

  it('text is never written into the progress line, and the summary comes below it', () => {
    let written = '';
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => (written += String(text)) !== '');
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => (written += String(text)) !== '');
    vi.useFakeTimers();
    const isTerminal = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY');
    Object.defineProperty(process.stderr, 'isTTY', { value: true, configurable: true });
    try {
      const out = new Output(false);
      const progress = new Progress('prepare', 60, 'photos');
      for (const done of [1, 20, 40]) {
        vi.advanceTimersByTime(1000);
        progress.update(done);
      }
      out.warn('a.jpg: no face found');
      vi.advanceTimersByTime(1000);
      progress.update(60);
      progress[Symbol.dispose]();
      progress[Symbol.dispose]();
      out.line('60 of 60 photos aligned');
    } finally {
      vi.useRealTimers();
      if (isTerminal === undefined) delete (process.stderr as { isTTY?: boolean }).isTTY;
      else Object.defineProperty(process.stderr, 'isTTY', isTerminal);
      vi.restoreAllMocks();
    }
    expect(written).toContain('\rprepare ████████');
    expect(written).not.toContain('\x1b[?25l');
    expect(shown(written)).toEqual([
      'warning: a.jpg: no face found',
      'prepare: 60/60 photos, 19.7 photos/s',
      '60 of 60 photos aligned',
      '',
    ]);
  });
});

describe('control characters of names', () => {
  const name = '\x1b[31mred\x1b]0;pwned\x07';
  const shownName = '\\x1b[31mred\\x1b]0;pwned\\x07';

  it('are visible in lines, warnings, errors and progress, and escaped by JSON', async () => {
    const { stdout, stderr } = await runCommand(
      (program) =>
        void program.command('show').action(() => {
          const output = new Output(false);
          output.line(`person ${name}`);
          output.warn(`no face in ${name}`);
          new Output(true).result({ name });
          reportError(new SphereFaceError(`${name} is not there.`), program, { json: false });
          using progress = new Progress(name, 2);
          progress.update(1);
        }),
      ['show'],
    );
    expect(stdout).toBe(`person ${shownName}\n{"name":"\\u001b[31mred\\u001b]0;pwned\\u0007"}\n`);
    expect(stderr).toBe(
      `warning: no face in ${shownName}\nerror: ${shownName} is not there.\n${shownName}: 1/2 images\n`,
    );
  });
});

describe('exit statuses', () => {
  it.each([
    [new CommanderError(0, 'commander.version', ''), 0],
    [new CommanderError(1, 'commander.unknownOption', ''), 2],
    [new UsageError('wrong'), 2],
    [new SphereFaceError('failed'), 1],
    [new TypeError('failed'), 1],
    [new InterruptedError(), 130],
  ])('%s gives %i', (error, status) => {
    expect(exitStatus(error)).toBe(status);
  });
});

describe('an interrupted command', () => {
  let scratch: string;
  let align: string[];
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'sphereface-terminal-'));
    const photos = join(scratch, 'photos');
    await mkdir(join(photos, 'ann'), { recursive: true });
    // Large enough that many are left when the first is done.
    const jpeg = await sharp({ create: { width: 1500, height: 1500, channels: 3, background: 'teal' } })
      .jpeg()
      .toBuffer();
    const landmarks = [
      [60, 70],
      [95, 70],
      [78, 90],
      [63, 111],
      [92, 111],
    ];
    const lines: string[] = [];
    for (let i = 0; i < 300; i++) {
      const file = `ann/${String(i).padStart(3, '0')}.jpg`;
      await writeFile(join(photos, file), jpeg);
      const face = { box: [40, 40, 120, 130], score: 1, landmarks };
      lines.push(JSON.stringify({ file, width: 1500, height: 1500, faces: [face], chosen: 0 }));
    }
    await writeFile(join(scratch, 'detections.jsonl'), lines.join('\n'));
    align = ['align', join(scratch, 'detections.jsonl'), '--photos', photos, '--threads', '1', '-o'];
  });
  afterAll(() => rm(scratch, { recursive: true }));

  /** Runs the command, and sends it `signal` as soon as the first crop is there. */
  async function interrupted(output: string, signal: NodeJS.Signals) {
    const child = spawn(process.execPath, ['--import', 'tsx', main, ...align, output], { stdio: 'pipe' });
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += String(text)));
    const ended = new Promise<{ code: number | null }>((resolve) => {
      child.on('exit', (code) => {
        resolve({ code });
      });
    });
    while (child.exitCode === null && (await readdir(join(output, 'ann')).catch(() => [])).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill(signal);
    return { ...(await ended), stderr };
  }

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'ends with 130 at %s, says how to go on, and goes on',
    async (signal) => {
      const output = join(scratch, signal);
      const { code, stderr } = await interrupted(output, signal);
      expect(stderr).toMatch(/stopping after this step[\s\S]*Interrupted[\s\S]*next: run it again to go on/);
      expect(code).toBe(130);
      const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', main, ...align, output]);
      expect(stdout).toMatch(/of 300 photos had been done by an earlier run/);
      expect((await readdir(output)).sort()).toEqual(['.prepare-journal.jsonl', 'ann', 'manifest.json']);
      expect(await readdir(join(output, 'ann'))).toHaveLength(300);
    },
  );
});
