// The training list of a folder of crops, and what is suspicious about the folder: duplicates, identities with few images.
import { createHash } from 'node:crypto';
import { messageOf, UsageError } from '../common/errors.js';
import { compareNames, normaliseName } from '../common/names.js';
import { decodePhoto } from '../images/decode.js';
import { fitsInLine } from '../images/line-names.js';
import type { OpenedSource } from '../images/source.js';
import { type Fingerprint, fingerprint, groupEqual } from './duplicates.js';
import { inOrder } from './in-order.js';

export interface ListOptions {
  readonly source: OpenedSource;
  /** Identities to leave out, in either Unicode form. */
  readonly exclude?: readonly string[];
  /** Identities with fewer images are reported, and left out with `dropSmall`. */
  readonly minImages?: number;
  readonly dropSmall?: boolean;
  /** Looks at the images' content for duplicates. */
  readonly findDuplicates?: boolean;
  readonly progress?: (done: number) => void;
}

/** Images that are the same. */
export interface Duplicate {
  /** `file`: equal bytes; `picture`: the same picture, stored differently. */
  readonly same: 'file' | 'picture';
  readonly files: readonly string[];
  /** More than one: the same picture stands under several names, and at most one of them is right. */
  readonly identities: readonly string[];
}

export interface IdentityList {
  /** `path label` lines; labels count from 0 in the order of the identities. */
  readonly lines: readonly string[];
  /** The identity of each label, in the order of `compareNames`, which is that of a classifier's rows. */
  readonly identities: readonly string[];
  readonly excluded: readonly string[];
  /** Images that no line can name: their paths hold line breaks or tabs, or begin or end with a blank. */
  readonly unlistable: readonly string[];
  /** Names of the exclude list that are not among the identities. */
  readonly notFound: readonly string[];
  readonly small: readonly { readonly identity: string; readonly images: number }[];
  readonly duplicates: readonly Duplicate[];
  readonly unreadable: readonly { readonly file: string; readonly error: string }[];
  /** Images in no identity's folder, which are not listed. */
  readonly strays: readonly string[];
}

/** The command that puts photos into folders of people by what their names say. */
export const foldersByName = "sphereface prepare PHOTOS --identity-from '{identity}_*' -o CROPS";

/** Images looked at at once: decoding runs on the runtime's own threads. */
const underWay = 8;

/**
 * Lists a source of crops as the published `get_list.m` does: identities in order, labels from 0, images in order within.
 * Duplicates are found among the listed images, despite another JPEG quality or format, not despite another crop.
 * @throws UsageError where no image lies in an identity's folder
 */
export async function listIdentities(options: ListOptions): Promise<IdentityList> {
  const { source, exclude = [], minImages = 1, dropSmall = false, findDuplicates = true } = options;
  const images = new Map<string, { readonly file: string; readonly index: number }[]>();
  const strays: string[] = [];
  const unlistable: string[] = [];
  for (const [index, { file, identity: given }] of source.entries.entries()) {
    if (!fitsInLine(file)) {
      unlistable.push(file);
      continue;
    }
    const identity = normaliseName(given);
    if (identity === '') {
      strays.push(file);
      continue;
    }
    const list = images.get(identity) ?? [];
    list.push({ file, index });
    images.set(identity, list);
  }
  if (images.size === 0) {
    throw new UsageError('No image lies in an identity folder.', {
      got: strays[0] ?? 'no images',
      expected: 'a folder for each person: identity/image.jpg',
      next: `where names say who it is, make the folders: ${foldersByName}`,
    });
  }
  const excludeSet = new Set(exclude.map(normaliseName));
  const all = [...images.keys()].sort(compareNames);
  const small = all
    .filter((identity) => !excludeSet.has(identity) && images.get(identity)!.length < minImages)
    .map((identity) => ({ identity, images: images.get(identity)!.length }));
  const dropped = new Set(dropSmall ? small.map(({ identity }) => identity) : []);
  const identities = all.filter((identity) => !excludeSet.has(identity) && !dropped.has(identity));
  const kept = identities.flatMap((identity, label) =>
    images.get(identity)!.map(({ file, index }) => ({ file, index, label, identity })),
  );
  const found = findDuplicates
    ? await duplicatesAmong(kept, source, options.progress)
    : { duplicates: [], unreadable: [] };
  return {
    lines: kept.map(({ file, label }) => `${file} ${label}`),
    identities,
    excluded: all.filter((identity) => excludeSet.has(identity)),
    unlistable,
    notFound: [...excludeSet].filter((identity) => !images.has(identity)),
    small,
    ...found,
    strays,
  };
}

interface Looked {
  readonly digest?: string;
  readonly print?: Fingerprint;
  readonly error?: string;
}

async function duplicatesAmong(
  images: readonly { readonly file: string; readonly index: number; readonly identity: string }[],
  source: OpenedSource,
  progress: ((done: number) => void) | undefined,
): Promise<Pick<IdentityList, 'duplicates' | 'unreadable'>> {
  const look = async ({ index }: { readonly index: number }): Promise<Looked> => {
    try {
      const bytes = await source.read(index);
      return {
        digest: createHash('sha256').update(bytes).digest('base64'),
        print: fingerprint(await decodePhoto(bytes)),
      };
    } catch (error) {
      return { error: messageOf(error).replace(/\s*\n\s*/g, '; ') };
    }
  };
  const looked: Looked[] = [];
  for await (const result of inOrder(images, underWay, look)) {
    looked.push(result);
    progress?.(looked.length);
  }
  const duplicates = groupEqual(looked.map(({ print }) => print)).map((group): Duplicate => ({
    same: group.every((i) => looked[i].digest === looked[group[0]].digest) ? 'file' : 'picture',
    files: group.map((i) => images[i].file),
    identities: [...new Set(group.map((i) => images[i].identity))],
  }));
  const unreadable = looked.flatMap(({ error }, i) => (error === undefined ? [] : [{ file: images[i].file, error }]));
  return { duplicates, unreadable };
}
