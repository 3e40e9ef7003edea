// The zips that the paths of a list lead into, each opened once.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { OpenedSource } from '../source.js';
import type { StatedAlignment } from './list-manifests.js';
import { openZip } from './zip.js';

interface Archive {
  readonly source: OpenedSource;
  readonly indices: ReadonlyMap<string, number>;
}

/** An image in a zip. */
export interface ArchivedImage {
  readonly identity: string;
  readonly read: () => Promise<Uint8Array>;
}

/** What a path into a zip leads to. */
export interface ArchivedPlace {
  /** Absent where the zip holds no such image. */
  readonly entry: ArchivedImage | undefined;
  /** What the zip's manifest states. */
  readonly alignment: OpenedSource['alignment'];
}

/** Opens zips as paths lead into them. */
export class Archives {
  private readonly opened = new Map<string, Archive>();
  private readonly folders = new Map<string, boolean>();

  /** The image at a path that leads into a zip; `undefined` for other paths. */
  async find(place: string): Promise<ArchivedPlace | undefined> {
    const inside = /^(.*?\.zip)[/\\](.+)$/i.exec(place);
    if (inside === null || (await this.isFolder(inside[1]))) return undefined;
    const [, path, name] = inside as unknown as [string, string, string];
    const { source, indices } = await this.open(resolve(path));
    const index = indices.get(name.replaceAll('\\', '/'));
    const { alignment } = source;
    if (index === undefined) return { entry: undefined, alignment };
    return { entry: { identity: source.entries[index].identity, read: () => source.read(index) }, alignment };
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
    const archive = { source, indices: new Map(source.entries.map((entry, index) => [entry.file, index])) };
    this.opened.set(path, archive);
    return archive;
  }

  /** A folder may be called faces.zip as well. */
  private async isFolder(path: string): Promise<boolean> {
    const known = this.folders.get(path);
    if (known !== undefined) return known;
    const found = await stat(path).then(
      (status) => status.isDirectory(),
      () => false,
    );
    this.folders.set(path, found);
    return found;
  }
}
