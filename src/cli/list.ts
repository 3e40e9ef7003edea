// `sphereface list`: the training list of a tree of crops, and what is suspicious about the tree.
import { dirname, relative, resolve, sep } from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import { printableName, requireWritableFile, SphereFaceError, UsageError, writeFileAtomic } from '../common/index.js';
import { describeFormats, type OpenedSource, openImageSource, readTextFile } from '../images/index.js';
import { listIdentities } from '../faces/index.js';
import { type CommonOptions, Output, positiveInteger, Progress, withCommonOptions } from './context.js';
import { nameFiles, warnOfLeftOut } from './faces-report.js';

interface ListCommandOptions extends CommonOptions {
  readonly output: string;
  readonly exclude?: string;
  readonly minImages: number;
  readonly dropSmall?: boolean;
  readonly duplicates: boolean;
}

/** How many findings of a kind are named on the terminal; `--json` names all. */
const named = 10;

export function registerList(program: Command): void {
  withCommonOptions(
    program
      .command('list')
      .description('write the training list ("path label" lines) and report duplicates and small identities')
      .argument('<aligned>', describeFormats())
      .requiredOption('-o, --output <file>', 'where the list goes')
      .option('--exclude <file>', 'identities to leave out, one a line (say, those that are also in a test set)')
      .addOption(
        new Option('--min-images <n>', 'report identities with fewer images').argParser(positiveInteger).default(2),
      )
      .option('--drop-small', 'leave the reported small identities out')
      .option('--no-duplicates', 'do not look for duplicate images (saves reading them)'),
  ).action(async (aligned: string, options: ListCommandOptions) => {
    const out = new Output(options.json === true);
    await requireWritableFile(options.output);
    const exclude = options.exclude === undefined ? [] : await readNames(options.exclude, out);
    const source = await openImageSource(aligned);
    try {
      warnOfLeftOut(out, source);
      const list = await listed(source, exclude, options);
      const { lines, identities, excluded, unlistable, notFound, small, duplicates, unreadable, strays } = list;
      const { refused } = source;
      if (lines.length === 0) {
        throw new SphereFaceError('The list would be empty.', {
          got: `${source.entries.length} images, of which every identity is excluded or too small, or no path fits in a line`,
          next: 'check --exclude and --min-images',
        });
      }
      const folder = pathFromList(options.output, aligned, source.root);
      await writeFileAtomic(options.output, lines.map((line) => `${folder}${line}\n`).join(''));
      const some = <T>(items: readonly T[], text: (item: T) => string) => {
        for (const item of items.slice(0, named)) out.warn(text(item));
        if (items.length > named) out.warn(`and ${items.length - named} more like it`);
      };
      nameFiles(out, unreadable);
      nameFiles(
        out,
        refused.map(({ file, reason }) => ({ file, error: reason })),
      );
      some(unlistable, (file) => `${printableName(file)} is left out: no line of a list can hold this path`);
      some(notFound, (name) => `${name} is on the exclude list, but there is no such identity`);
      some(
        duplicates.filter(({ identities: names }) => names.length > 1),
        ({ files, identities: names }) => `the same picture under ${names.join(' and ')}: ${files.join(', ')}`,
      );
      some(
        duplicates.filter(({ identities: names }) => names.length === 1),
        ({ same, files }) => `the same ${same} several times: ${files.join(', ')}`,
      );
      some(small, ({ identity, images }) => `${identity} has ${images} image${images === 1 ? '' : 's'}`);
      out.line(`${lines.length} images of ${identities.length} identities listed in ${options.output}`);
      out.line(
        `excluded: ${excluded.length} identities; fewer than ${options.minImages} images: ${small.length} (${options.dropSmall === true ? 'left out' : 'kept'}); groups of duplicates: ${options.duplicates ? duplicates.length : 'not looked for'}; unreadable: ${unreadable.length}; refused: ${refused.length}; in no folder: ${strays.length}`,
      );
      out.result({
        output: options.output,
        images: lines.length,
        identities: identities.length,
        excluded,
        unlistable,
        notFound,
        small,
        duplicates,
        unreadable,
        refused,
        strays,
      });
    } finally {
      await source.dispose();
    }
  });
}

/** The list, with progress that has left the terminal before the findings are printed. */
async function listed(source: OpenedSource, exclude: readonly string[], options: ListCommandOptions) {
  using progress = options.duplicates ? new Progress('list', source.entries.length) : undefined;
  return await listIdentities({
    source,
    exclude,
    minImages: options.minImages,
    dropSmall: options.dropSmall === true,
    findDuplicates: options.duplicates,
    progress: (done) => {
      progress?.update(done);
    },
  });
}

/** What leads from a list's folder, which its paths start from, to the images: `../aligned/`, `faces.zip/`. */
function pathFromList(list: string, images: string, root: OpenedSource['root']): string {
  if (root === undefined) {
    throw new UsageError('A list of paths cannot lead into this file.', {
      got: images,
      expected: 'a folder of identity folders, a zip of one, or a list',
      next: 'train on the set directly: sphereface train DATA --recipe NAME -o RUN',
    });
  }
  const path = relative(dirname(resolve(list)), resolve(root))
    .split(sep)
    .join('/');
  return path === '' ? '' : `${path}/`;
}

/** Names, one a line; empty lines and comments (`#` before a blank: `#1 anna` is a name) are skipped. */
async function readNames(path: string, out: Output): Promise<string[]> {
  const { text, warnings } = await readTextFile(path).catch((error: unknown) => {
    throw new UsageError(`The exclude list ${path} cannot be read.`, {
      expected: 'a text file with an identity on each line',
      cause: error,
    });
  });
  for (const warning of warnings) out.warn(warning);
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^#(\s|$)/.test(line));
}
