// What the folders and zips that a list leads to say of how their crops were aligned.
import { dirname } from 'node:path';
import { type AlignmentSpec, describeAlignment, sameAlignment } from '../alignment.js';
import { type CropManifest, readManifest } from '../crop-manifest.js';
import { SphereFaceError } from '../../common/errors.js';

/** A folder with a manifest. */
export interface ManifestFolder {
  readonly folder: string;
  readonly manifest: CropManifest;
}

/** Finds the folder with a manifest that an image lies in, at any depth; folders are looked at once. */
export class ManifestFinder {
  private readonly known = new Map<string, Promise<ManifestFolder | undefined>>();

  /** The nearest folder with a manifest, `folder` itself or above it; other programs' `manifest.json` do not count. */
  find(folder: string): Promise<ManifestFolder | undefined> {
    const known = this.known.get(folder);
    if (known !== undefined) return known;
    const found = this.look(folder);
    this.known.set(folder, found);
    return found;
  }

  private async look(folder: string): Promise<ManifestFolder | undefined> {
    const file = await readManifest(folder);
    if (file?.kind === 'crops') return { folder, manifest: file.manifest };
    const above = dirname(folder);
    return above === folder ? undefined : this.find(above);
  }
}

/** A statement of how crops were aligned, and whose it is. */
export interface StatedAlignment {
  /** The folder or zip. */
  readonly place: string;
  readonly alignment: AlignmentSpec;
}

/**
 * The one alignment that all statements agree on; `undefined` without any.
 * @throws SphereFaceError that names two places which contradict each other.
 */
export function agreedAlignment(list: string, stated: readonly StatedAlignment[]): AlignmentSpec | undefined {
  const [first] = stated;
  for (const { place, alignment } of stated) {
    if (sameAlignment(alignment, first.alignment)) continue;
    throw new SphereFaceError(`${list} mixes crops that were aligned in different ways.`, {
      got: `${first.place}: ${describeAlignment(first.alignment)}; ${place}: ${describeAlignment(alignment)}`,
      expected: 'one alignment for all images',
      next: 'align all photos in one way: sphereface prepare PHOTOS -o ALIGNED',
    });
  }
  return first?.alignment;
}
