// The zips that the paths of a list lead into, each opened once.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { SphereFaceError } from '../../common/errors.js';
import { NameFinder } from '../finder.js';
import type { OpenedSource } from '../source.js';
import type { StatedAlignment } from './list-manifests.js';
import { openZip } from './zip.js';

interface Archive {
  readonly source: OpenedSource;
  readonly finder: NameFinder;
}

/** An image in a zip. */
export interface ArchivedImage {
  readonly identity: string;
  readonly read: () => Promise<Uint8Array>;
  /** Whether the zip states how its crops were aligned. */
  readonly stated: boolean;
}

const zipAndName = /^(.*?\.zip)(?:[/\\](.*))?$/i;

/** Whether a path looks as one that leads into a zip does. */
export function leadsIntoZip(place: string): boolean {
  return zipAndName.test(place);
}

/** Opens zips as paths lead into them. */
export class Archives {
  private readonly opened = new Map<string, Archive>();
  private readonly kinds = new Map<string, 'file' | 'folder' | 'nothing'>();

  /**
   * The image at a path that leads into a zip; `undefined` for other paths.
   * @param wrong makes the error for a zip that is not there or does not hold the image
   */
  async find(place: string, wrong: (what: string) => SphereFaceError): Promise<ArchivedImage | undefined> {
    const inside = zipAndName.exec(place);
    if (inside === null) return undefined;
    const [, path, name = ''] = inside;
    // A folder may be called faces.zip as well.
    const kind = await this.kindOf(path);
    if (kind === 'folder') return undefined;
    if (kind === 'nothing') throw wrong('leads into a zip that is not there');
    if (name === '') throw wrong('names a zip and no image in it');
    const { source, finder } = await this.open(resolve(path));
    const found = finder.find(name);
    if (found.kind !== 'found') throw wrong('names an image that the zip does not hold');
    const { index } = found;
    return {
      identity: source.entries[index].identity,
      read: () => source.read(index),
      stated: source.alignment !== undefined,
    };
  }

  /** Whether a path leads to an image in a zip. */
  async holds(place: string): Promise<boolean> {
    if (!leadsIntoZip(place)) return false;
    const found = await this.find(place, (what) => new SphereFaceError(what)).catch(() => undefined);
    return found !== undefined;
  }

  /** What the zips say of how their crops were aligned. */
  get stated(): StatedAlignment[] {
    return [...this.opened].flatMap(([place, { source }]) =>
      source.alignment === undefined ? [] : [{ place, alignment: source.alignment }],
    );
  }

  async dispose(): Promise<void> {
    for (const { source } of this.opened.values()) await source.dispose();
  }

  private async open(path: string): Promise<Archive> {
    const known = this.opened.get(path);
    if (known !== undefined) return known;
    const source = await openZip(path);
    const archive = {
      source,
      finder: new NameFinder(
        source.entries.map(({ file }) => file),
        source.around,
      ),
    };
    this.opened.set(path, archive);
    return archive;
  }

  private async kindOf(path: string): Promise<'file' | 'folder' | 'nothing'> {
    const known = this.kinds.get(path);
    if (known !== undefined) return known;
    const kind = await stat(path).then(
      (status) => (status.isDirectory() ? 'folder' : 'file'),
      () => 'nothing' as const,
    );
    this.kinds.set(path, kind);
    return kind;
  }
}
