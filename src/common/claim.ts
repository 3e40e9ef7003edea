// A claim: a file that says which process is at work on something. One process makes it and touches it while the work goes on; that of a process
// which is gone counts for nothing.
import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { z } from 'zod';
import { keepTemporary, markTemporary } from './temporary.js';
import { writing } from './writing.js';

/** Milliseconds between signs of life. */
const interval = 20_000;
/**
 * Without a sign of life for so long, a process on another machine is taken for dead: three minutes less one sign. Work within work has two
 * claims, and who finds the outer one dead must not meet the inner one alive.
 */
const patience = 8 * interval;

const contentSchema = z.object({ host: z.string(), pid: z.int(), id: z.string() });
type Content = z.output<typeof contentSchema>;

/** Who holds a claim; `undefined` where the file does not say, as while it is being written. */
export interface ClaimHolder {
  readonly process: { readonly host: string; readonly pid: number } | undefined;
}

/** The claims that this process holds: one with its number that is none of them is of a dead process that had the same. */
const held = new Set<string>();

/** Work in hand. Dispose of it when the work is done or given up. */
export class Claim implements AsyncDisposable {
  private readonly beat: NodeJS.Timeout;

  private constructor(
    private readonly path: string,
    private readonly id: string,
  ) {
    held.add(id);
    markTemporary(path);
    this.beat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), interval);
    this.beat.unref();
  }

  /** Makes the claim, in a folder that exists, or says which process has it. */
  static async take(path: string): Promise<Claim | ClaimHolder> {
    await clearDead(path);
    const content: Content = { host: hostname(), pid: process.pid, id: randomBytes(8).toString('hex') };
    const file = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return undefined;
      throw error;
    });
    if (file === undefined) return { process: (await read(path))?.content };
    const claim = new Claim(path, content.id);
    try {
      await writing(path, () => file.writeFile(`${JSON.stringify(content)}\n`));
      return claim;
    } catch (error) {
      await rm(path, { force: true });
      await claim[Symbol.asyncDispose]();
      throw error;
    } finally {
      await file.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.beat);
    // One that was silent for too long may be another's by now.
    if ((await read(this.path))?.content?.id === this.id) await rm(this.path, { force: true });
    keepTemporary(this.path);
    held.delete(this.id);
  }
}

interface Found {
  readonly text: string;
  readonly content: Content | undefined;
  readonly silent: boolean;
}

async function read(path: string): Promise<Found | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    return { text, content: parsed(text), silent: Date.now() - mtimeMs > patience };
  } catch {
    return undefined;
  }
}

/** What a claim says; nothing while it is only half written. */
function parsed(text: string): Content | undefined {
  try {
    return contentSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** On the same machine the process itself is asked: one that was suspended is silent, but goes on some day. */
function isDead({ content, silent }: Found): boolean {
  return content === undefined || content.host !== hostname() ? silent : isGone(content);
}

function isGone({ pid, id }: Content): boolean {
  if (pid === process.pid) return !held.has(id);
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    // EPERM: it is there, and another user's.
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Takes a dead process's claim away: renamed first, and put back if another process was quicker and it is its claim. */
async function clearDead(path: string): Promise<void> {
  const found = await read(path);
  if (found === undefined || !isDead(found)) return;
  const aside = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, 'utf8')) === found.text) await rm(aside, { force: true });
  else await rename(aside, path);
}
