// Writes the list of third-party packages in LICENSES.md from package-lock.json: everything that an install of the package brings,
// whichever the platform, by licence. `npm run licences`; src/licences.test.ts holds the file to it.
import { readFile, writeFile } from 'node:fs/promises';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const root = new URL('../', import.meta.url);
const start = '<!-- written by npm run licences -->';
const end = '<!-- end of what npm run licences writes -->';

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional(), license: z.string().optional() })),
});

/** The packages of a lock file that are no development dependencies, by licence: a Markdown list, a line a licence. */
export function listLicences(lock: unknown): string {
  const byLicence = new Map<string, Set<string>>();
  for (const [path, { dev, license }] of Object.entries(lockSchema.parse(lock).packages)) {
    const name = /.*node_modules\/(.+)$/.exec(path)?.[1];
    if (name === undefined || dev === true) continue;
    if (license === undefined) throw new Error(`${name} states no licence: look it up and decide`);
    byLicence.set(license, (byLicence.get(license) ?? new Set()).add(name));
  }
  const entries = [...byLicence].sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([licence, names]) => `- ${licence}: ${[...names].sort().join(', ')}`).join('\n');
}

/** The text of LICENSES.md with the list between the two marks replaced. */
export function withLicences(text: string, list: string): string {
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`LICENSES.md lacks the marks ${start} and ${end}`);
  return `${text.slice(0, from + start.length)}\n\n${list}\n\n${text.slice(to)}`;
}

/** LICENSES.md as it is, and as it should be. */
export async function licencesFile(): Promise<{ readonly text: string; readonly expected: string }> {
  const text = await readFile(new URL('LICENSES.md', root), 'utf8');
  const lock: unknown = JSON.parse(await readFile(new URL('package-lock.json', root), 'utf8'));
  return { text, expected: withLicences(text, listLicences(lock)) };
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const { expected } = await licencesFile();
  await writeFile(new URL('LICENSES.md', root), expected);
}
