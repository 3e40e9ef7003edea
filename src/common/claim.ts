// A claim: a file that says which process is at work on something. Only one can make it, and touches it while the work goes on; that of a
// process which is gone counts for nothing.
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';
import { isAlive, startOf } from './process-life.js';
import { keepTemporary, markTemporary } from './temporary.js';
import { writing } from './writing.js';

/** What the file of a claim is called, in the folder that it is about. */
export const claimFile = 'claim.json';

/** Milliseconds between signs of life. */
const interval = 20_000;
/** Without a sign of life for so long, a process on another machine is taken for dead. */
const usualPatience = 9 * interval;
/** That of a claim within claimed work: who finds the outer one dead must not meet the inner one alive. */
export const innerPatience: number = usualPatience - interval;
/** A claim that names nobody after so long has been left by a process that died, or met a full disk, while it wrote it. */
const writingPatience = 10_000;

const holderSchema = z.object({
  host: z.string(),
  pid: z.int().positive(),
  /** Of the process, where the system says it. */
  start: z.string().optional(),
});
type Holder = z.output<typeof holderSchema>;

/** A claim that another process has. */
export interface OtherClaim {
  /** Who has it; `undefined` where the file does not say, as while it is being written. */
  readonly holder: Holder | undefined;
}

export interface ClaimOptions {
  /** Milliseconds of silence after which a process of another machine is taken for dead. Default: three minutes. */
  readonly patience?: number;
}

/** Work in hand. Dispose of it when the work is done or given up. */
export class Claim implements AsyncDisposable {
  private readonly beat: NodeJS.Timeout;

  private constructor(
    private readonly path: string,
    /** What the file says: with its random part no other claim says the same. */
    private readonly text: string,
  ) {
    markTemporary(path);
    this.beat = setInterval(() => void this.giveSign(), interval);
    this.beat.unref();
  }

  /** Makes the claim, in a folder that exists, or says which process has it. */
  static async take(path: string, { patience = usualPatience }: ClaimOptions = {}): Promise<Claim | OtherClaim> {
    await clearDead(path, patience);
    const { pid } = process;
    const holder: Holder = { host: hostname(), pid, start: startOf(pid) };
    const text = `${JSON.stringify({ ...holder, id: randomBytes(8).toString('hex') })}\n`;
    if (await create(path, text)) return new Claim(path, text);
    return { holder: holderOf(await readFile(path, 'utf8').catch(() => '')) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.beat);
    if (await this.isOurs()) await rm(this.path, { force: true });
    keepTemporary(this.path);
  }

  /** Another process may have taken this one for dead, and have a claim of its own here: it is left alone. */
  private async isOurs(): Promise<boolean> {
    return (await readFile(this.path, 'utf8').catch(() => undefined)) === this.text;
  }

  private async giveSign(): Promise<void> {
    if (await this.isOurs()) await utimes(this.path, new Date(), new Date()).catch(() => undefined);
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
    await writing(path, () => file.writeFile(text));
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return true;
}

/** The process that a claim names. */
function holderOf(text: string): Holder | undefined {
  try {
    return holderSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whether nobody is at work under a claim that was last touched at `touched`. */
function isDead(text: string, touched: number, patience: number): boolean {
  const silence = Date.now() - touched;
  const holder = holderOf(text);
  if (holder === undefined) return silence > writingPatience;
  if (holder.host !== hostname()) return silence > patience;
  // On this machine silence says nothing: a suspended process will go on.
  return !isAlive(holder.pid, holder.start);
}

/** Takes a dead process's claim away: renamed first, and put back if another process was quicker and it is its claim. */
async function clearDead(path: string, patience: number): Promise<void> {
  const found = await Promise.all([readFile(path, 'utf8'), stat(path)]).catch(() => undefined);
  if (found === undefined) return;
  const [text, { mtimeMs }] = found;
  if (!isDead(text, mtimeMs, patience)) return;
  const aside = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, 'utf8')) === text) await rm(aside, { force: true });
  else await rename(aside, path);
}
