// Which forms were found to be the fastest on a GPU, kept in files: for all runs on a machine in the cache folder, and in the folder of a run,
// so that one that goes on computes in the forms that it was started with, to the same bits.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { cpus, platform } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../common/atomic.js';
import { packageVersion } from '../common/version.js';
import { cacheFolder } from '../models/cache.js';
import type { FormStore, FoundForms } from '../runtime/index.js';

const fileSchema = z.strictObject({
  /** What they were measured on. */
  adapter: z.string(),
  forms: z.record(z.string(), z.string()),
});

/** The file of a run's folder. */
const runFile = 'forms.json';

export class FormFiles implements FormStore {
  /** @param folder of the run. @param cache the folder for all runs on the machine. */
  constructor(
    private readonly folder: string,
    private readonly cache = cacheFolder(),
  ) {}

  async load(): Promise<FoundForms> {
    const ofMachine = await formsOf(this.machineFile(await adapterName()));
    const ofRun = await formsOf(join(this.folder, runFile));
    return new Map([...Object.entries(ofMachine), ...Object.entries(ofRun)]);
  }

  async save(found: FoundForms): Promise<void> {
    const adapter = await adapterName();
    const text = `${JSON.stringify({ adapter, forms: Object.fromEntries(found) }, null, 2)}\n`;
    for (const path of [this.machineFile(adapter), join(this.folder, runFile)]) {
      // What cannot be kept is measured again.
      await mkdir(join(path, '..'), { recursive: true })
        .then(() => writeFileAtomic(path, text))
        .catch(() => undefined);
    }
  }

  private machineFile(adapter: string): string {
    const digest = createHash('sha256').update(adapter).digest('hex').slice(0, 12);
    return join(this.cache, 'forms', `${digest}.json`);
  }
}

/** The forms of a file; none where there is no such file, or it is not one of these. */
async function formsOf(path: string): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return {};
  try {
    return fileSchema.parse(JSON.parse(text)).forms;
  } catch {
    return {};
  }
}

/**
 * What distinguishes one GPU from another, as far as Node can tell: the runtime's binding names no adapter. On Linux the numbers of vendor
 * and model of every display device, elsewhere the processor; and the driver that the environment asks for.
 */
async function adapterName(): Promise<string> {
  const { VK_ICD_FILENAMES: driver = '', VK_DRIVER_FILES: files = '' } = process.env;
  const cards = await readdir('/sys/class/drm').catch(() => [] as string[]);
  const numbers = await Promise.all(
    cards
      .filter((card) => /^card\d+$/.test(card))
      .sort()
      .map(async (card) => {
        const part = (name: string) =>
          readFile(join('/sys/class/drm', card, 'device', name), 'utf8').then(
            (text) => text.trim(),
            () => '?',
          );
        return `${await part('vendor')}:${await part('device')}`;
      }),
  );
  const hardware = numbers.length > 0 ? numbers.join(' ') : (cpus()[0]?.model ?? 'unknown');
  return [packageVersion, platform(), hardware, driver, files].filter((part) => part !== '').join(' ');
}
