// Claims: which process is at work on a cell. A file that only one can make, touched while the work goes on; one whose process is gone counts for nothing.
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { isAlive, startOf } from './process-life.js';

const claimFile = 'claim.json';
/** Milliseconds between signs of life. */
const interval = 20_000;
/** Without a sign of life for so long, a process on another machine is taken for dead. */
const patience = 9 * interval;
/** A claim that names nobody after so long has been left by a process that died, or met a full disk, while it wrote it. */
const writingPatience = 10_000;

const ownerSchema = z.object({
  host: z.string(),
  pid: z.int().positive(),
  /** Of the process, where the system says it. */
  start: z.string().optional(),
});
type Owner = z.output<typeof ownerSchema>;

/** A cell in hand. Dispose of it when the work is done or given up. */
export class Claim implements AsyncDisposable {
  private readonly beat: NodeJS.Timeout;

  private constructor(
    private readonly path: string,
    /** What the file says: with its random part no other claim says the same. */
    private readonly text: string,
  ) {
    this.beat = setInterval(() => void this.giveSign(), interval);
    this.beat.unref();
  }

  /** Claims a cell's folder, which is made; `undefined` if another process is at work there. */
  static async take(folder: string): Promise<Claim | undefined> {
    await mkdir(folder, { recursive: true });
    const path = join(folder, claimFile);
    await clearDead(path);
    const { pid } = process;
    const owner: Owner = { host: hostname(), pid, start: startOf(pid) };
    const text = JSON.stringify({ ...owner, id: randomBytes(8).toString('hex') });
    return (await create(path, text)) ? new Claim(path, text) : undefined;
  }

  /** Another process may have taken this one for dead, and have a claim of its own here: it is left alone. */
  private async isOurs(): Promise<boolean> {
    return (await readFile(this.path, 'utf8').catch(() => undefined)) === this.text;
  }

  private async giveSign(): Promise<void> {
    if (await this.isOurs()) await utimes(this.path, new Date(), new Date()).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.beat);
    if (await this.isOurs()) await rm(this.path, { force: true });
  }
}

/** Makes the file if there is none. A disk that is full leaves none behind. */
async function create(path: string, text: string): Promise<boolean> {
  const file = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') return undefined;
    throw error;
  });
  if (file === undefined) return false;
  try {
    await file.writeFile(text);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return true;
}

async function read(path: string): Promise<{ readonly text: string; readonly dead: boolean } | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    return { text, dead: isDead(text, mtimeMs) };
  } catch {
    return undefined;
  }
}

/** Whether nobody is at work under a claim that was last touched at `touched`. */
function isDead(text: string, touched: number): boolean {
  const silence = Date.now() - touched;
  const owner = ownerOf(text);
  if (owner === undefined) return silence > writingPatience;
  if (owner.host !== hostname()) return silence > patience;
  // On this machine silence says nothing: a suspended process will go on.
  return !isAlive(owner.pid, owner.start);
}

/** The process that a claim names; a claim that is being written names none yet. */
function ownerOf(text: string): Owner | undefined {
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
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
