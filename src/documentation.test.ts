// The pages say what is there: commands parse, scripts exist, links lead somewhere, code files that are named exist.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commands } from './cli/commands.js';
import { commandsInText, examplesOf, shellCommands, spherefaceArguments } from './testing/markdown-examples.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const names = [
  ...(await readdir(root)).filter((name) => name.endsWith('.md')),
  ...(await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
];
const pages = await Promise.all(names.map(async (name) => ({ name, text: await readFile(join(root, name), 'utf8') })));
const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { scripts: object };

function createProgram(): Command {
  const program = new Command('sphereface').exitOverride().configureOutput({ writeErr: () => undefined });
  for (const register of commands) register(program);
  return program;
}

/** Lets the real command line parse a command, and does nothing. @throws what commander throws. */
async function parse(words: readonly string[]): Promise<void> {
  const program = createProgram();
  const idle = (command: Command): void => {
    if (command.commands.length === 0) command.action(() => undefined);
    command.commands.forEach(idle);
  };
  idle(program);
  await program.parseAsync([...words], { from: 'user' });
}

/** The names in a command in a sentence, which may leave out what the command needs, that are no command's and no option's. */
function unknownNames([name, ...words]: readonly string[]): string[] {
  const command = createProgram().commands.find((known) => known.name() === name);
  if (command === undefined) return [name!];
  const options = new Set(command.options.flatMap(({ long, short }) => [long, short]));
  return words.filter((word) => /^--?[a-z]/.test(word) && word !== '--help' && !options.has(word));
}

/** The headings of a page as links name them. */
function headingsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replace(/ /g, '-'),
  );
}

describe.each(pages)('$name', ({ name, text }) => {
  const shell = examplesOf(text)
    .filter(({ language }) => language === 'sh')
    .flatMap(({ code }) => shellCommands(code));
  const inText = commandsInText(text).flatMap(shellCommands);

  it('shows commands that parse', async () => {
    for (const words of shell) {
      const args = spherefaceArguments(words);
      if (args === undefined) continue;
      await parse(args).catch((error: unknown) => expect.fail(`sphereface ${args.join(' ')}: ${String(error)}`));
    }
  });

  it('names commands and options that exist', () => {
    const unknown = inText.flatMap((words) => unknownNames(spherefaceArguments(words) ?? []));
    expect(unknown).toEqual([]);
  });

  it('names scripts of package.json that exist', () => {
    const called = [...text.matchAll(/npm run (?:--?\S+ )*([\w:-]+)/g)].map((match) => match[1]);
    expect(called.filter((script) => !(script in scripts))).toEqual([]);
  });

  it('links to files and headings that are there', async () => {
    const broken: string[] = [];
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path, heading] = target.split('#');
      const file = join(root, path === '' ? name : join(dirname(name), path));
      if (!existsSync(file)) broken.push(target);
      else if (heading !== undefined && !headingsOf(await readFile(file, 'utf8')).includes(heading))
        broken.push(target);
    }
    expect(broken).toEqual([]);
  });

  it('names files of the code that exist', () => {
    const paths = [...text.matchAll(/`((?:src|tools|bench)\/[\w./-]+)`/g)].map((match) => match[1]);
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});
