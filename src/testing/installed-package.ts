// For tests: the package as npm packs it, installed into an empty project.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Whether there is a build to pack; `npm test` makes it first. */
export const built = existsSync(join(root, 'dist', 'index.js'));

/** What the tests read of package.json. */
export interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
}

/** What `npm pack --json` says. */
export interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

export async function readManifest(): Promise<Manifest> {
  return JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Manifest;
}

/** Packs the build that is there (no scripts, so that the tests build nothing) into a folder. */
export async function pack(folder: string): Promise<Packed> {
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: root,
  });
  const [packed] = JSON.parse(stdout) as [Packed];
  return packed;
}

/**
 * Unpacks a tarball into the `node_modules` of a new project. The dependencies are this checkout's own, so that no registry is needed;
 * nothing but the declared ones is there.
 */
export async function install(tarball: string, project: string): Promise<void> {
  const modules = join(project, 'node_modules');
  const installed = join(modules, 'sphereface-plus');
  await mkdir(installed, { recursive: true });
  await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed]);
  const { dependencies } = await readManifest();
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    const link = join(modules, name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(root, 'node_modules', name), link, 'dir');
  }
  await writeFile(join(project, 'package.json'), JSON.stringify({ type: 'module' }));
}

/** The command's entry in a project. */
export function commandOf(project: string): string {
  return join(project, 'node_modules', 'sphereface-plus', 'dist', 'cli', 'main.js');
}

/** The module systems that the package's types are for. */
export type Resolution = 'nodenext' | 'bundler';

/**
 * Compiles TypeScript files of a project strictly, beside themselves. Under `nodenext` the declarations of packages are checked as well; once
 * is enough. @throws with tsc's output
 */
export async function compile(project: string, files: readonly string[], resolution: Resolution): Promise<void> {
  const module = resolution === 'nodenext' ? 'nodenext' : 'esnext';
  // The engine's types name the browser's, hence `dom`.
  const options = {
    module,
    moduleResolution: resolution,
    target: 'es2022',
    lib: 'es2023,esnext.disposable,dom',
    types: 'node',
    skipLibCheck: String(resolution === 'bundler'),
  };
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  await run(join(root, 'node_modules', '.bin', 'tsc'), ['--strict', ...flags, ...files], { cwd: project }).catch(
    (error: unknown) => {
      throw new Error((error as { stdout: string }).stdout, { cause: error });
    },
  );
}
