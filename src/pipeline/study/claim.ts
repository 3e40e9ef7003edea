// Claims: which process is at work on a cell. A file that only one can make, touched while the work goes on; one whose process is gone counts for nothing.
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const claimFile = 'claim.json';
/** Milliseconds between signs of life. */
const interval = 20_000;
/** Without a sign of life for so long, a process on another machine is taken for dead. */
const patience = 9 * interval;

/** A cell in hand. Dispose of it when the work is done or given up. */
export class Claim implements AsyncDisposable {
  private constructor(
    private readonly path: string,
    private readonly beat: NodeJS.Timeout,
  ) {}

  /** Claims a cell's folder, which is made; `undefined` if another process is at work there. */
  static async take(folder: string): Promise<Claim | undefined> {
    await mkdir(folder, { recursive: true });
    const path = join(folder, claimFile);
    await clearDead(path);
    try {
      await writeFile(
        path,
        JSON.stringify({ host: hostname(), pid: process.pid, id: randomBytes(8).toString('hex') }),
        {
          flag: 'wx',
        },
      );
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
      throw error;
    }
    const beat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), interval);
    beat.unref();
    return new Claim(path, beat);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.beat);
    await rm(this.path, { force: true });
  }
}

async function read(path: string): Promise<{ readonly text: string; readonly dead: boolean } | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    const silent = Date.now() - mtimeMs > patience;
    return { text, dead: silent || isGone(text) };
  } catch {
    return undefined;
  }
}

/** Whether the process of a claim is known to be gone: it was one of this machine. A claim just being written says nothing yet. */
function isGone(text: string): boolean {
  try {
    const { host, pid } = JSON.parse(text) as { host: string; pid: number };
    if (host !== hostname()) return false;
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Takes a dead process's claim away: renamed first, and put back if another process was quicker and it is its claim. */
async function clearDead(path: string): Promise<void> {
  const found = await read(path);
  if (found?.dead !== true) return;
  const aside = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, 'utf8')) === found.text) await rm(aside, { force: true });
  else await rename(aside, path);
}
