// The photos of a probe: a bounded, repeatable choice of people, with a crop for each template; faces are looked for once.
import { compareNames } from '../../common/names.js';
import { InterruptedError, lineOf, SphereFaceError, UsageError } from '../../common/errors.js';
import { Random } from '../../common/random.js';
import { filesByIdentity } from '../../evaluation/index.js';
import {
  alignFace,
  defaultPhotoSettings,
  findFaces,
  Mtcnn,
  type MtcnnWeights,
  type Template,
} from '../../faces/index.js';
import { decodeCrop, decodePhoto, describeAlignment, type OpenedSource, type Picture } from '../../images/index.js';

/** People and photos of each that are looked at; more would take longer and change little. */
export const mostPeople = 50;
const mostPhotos = 4;

/** A photo of a probe. */
export interface ProbePhoto {
  readonly file: string;
  /** Whose it is, as a number from 0. */
  readonly person: number;
  /** Its crop by the name of the template. */
  readonly crops: ReadonlyMap<string, Picture>;
}

export interface ProbePhotos {
  readonly photos: readonly ProbePhoto[];
  /** How many people they show; each has two photos or more. */
  readonly people: number;
  /** Photos that gave no crop, and why. */
  readonly problems: readonly { readonly file: string; readonly error: string }[];
}

export interface ProbePhotosOptions {
  readonly source: OpenedSource;
  readonly templates: readonly Template[];
  /** The detector's weights; asked for when the source holds photos. */
  readonly weights: () => Promise<MtcnnWeights>;
  readonly threads: number;
  readonly device?: 'cpu' | 'cuda' | 'webgpu';
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** The templates that a source can be cut by: all, or the one that its crops were cut by. @throws UsageError if that one is not among them. */
export function templatesOf(
  { alignment }: Pick<OpenedSource, 'alignment'>,
  fitting: readonly Template[],
): readonly Template[] {
  if (alignment === undefined) return fitting;
  const own = fitting.filter(({ name }) => name === alignment.template);
  if (own.length > 0) return own;
  throw new UsageError('The crops are not such as the model takes.', {
    got: describeAlignment(alignment),
    expected: `template ${fitting.map(({ name }) => name).join(' or ')}`,
    next: 'give the photos that they were cut from',
  });
}

/**
 * Chooses up to {@link mostPeople} people with two or more photos and up to {@link mostPhotos} photos of each, the same for the same names,
 * and cuts their faces. Crops with a manifest are taken as they are.
 * @throws SphereFaceError when fewer than two people have two crops; InterruptedError when `signal` was aborted.
 */
export async function probePhotos(options: ProbePhotosOptions): Promise<ProbePhotos> {
  const { source, templates, onProgress, signal } = options;
  const chosen = choose(source);
  const problems: { file: string; error: string }[] = [];
  const found: { file: string; identity: string; crops: Map<string, Picture> }[] = [];
  await using cutter = await cutterOf(options);
  for (const [done, { index, identity }] of chosen.entries()) {
    if (signal?.aborted === true) throw new InterruptedError();
    const { file } = source.entries[index];
    try {
      found.push({ file, identity, crops: await cutter.cut(await source.read(index), templates) });
    } catch (error) {
      problems.push({ file, error: lineOf(error) });
    }
    onProgress?.(done + 1, chosen.length);
  }
  const counts = new Map<string, number>();
  for (const { identity } of found) counts.set(identity, (counts.get(identity) ?? 0) + 1);
  const people = [...counts.keys()].filter((identity) => counts.get(identity)! > 1);
  if (people.length < 2) {
    throw new SphereFaceError('These photos cannot tell how a model wants its pictures.', {
      got: `${people.length} people with two photos or more in which a face was found${problems.length > 0 ? `; ${problems.length} photos without one, for instance ${problems[0].file}: ${problems[0].error}` : ''}`,
      expected: `two people at least, better ${mostPeople}: PHOTOS/person/photo.jpg`,
      next: 'give a folder with more people, or the convention itself with `inputSpec`',
    });
  }
  const photos = found
    .filter(({ identity }) => people.includes(identity))
    .map(({ file, identity, crops }) => ({ file, person: people.indexOf(identity), crops }));
  return { photos, people: people.length, problems };
}

/** The indices of the photos to look at, person by person. */
function choose(source: OpenedSource): { readonly index: number; readonly identity: string }[] {
  const indexOf = new Map(source.entries.map(({ file }, index) => [file, index]));
  const files = filesByIdentity(source.entries.filter(({ identity }) => identity !== ''));
  const people = [...files.keys()].filter((identity) => files.get(identity)!.length > 1).sort(compareNames);
  const random = new Random(1, 3);
  random.shuffle(people);
  return people.slice(0, mostPeople).flatMap((identity) => {
    const own = [...files.get(identity)!].sort(compareNames);
    random.shuffle(own);
    return own.slice(0, mostPhotos).map((file) => ({ index: indexOf.get(file)!, identity }));
  });
}

interface Cutter extends AsyncDisposable {
  cut(bytes: Uint8Array, templates: readonly Template[]): Promise<Map<string, Picture>>;
}

async function cutterOf({ source, weights, threads, device }: ProbePhotosOptions): Promise<Cutter> {
  if (source.alignment !== undefined) {
    return {
      cut: async (bytes, [template]) => new Map([[template.name, await decodeCrop(bytes, template)]]),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const { detector: settings, choice, rotations, maxPixels, strict } = defaultPhotoSettings;
  const detector = await Mtcnn.create(await weights(), {
    threads,
    settings,
    ...(device === undefined ? {} : { device }),
  });
  return {
    cut: async (bytes, templates) => {
      const photo = await decodePhoto(bytes, { limitInputPixels: maxPixels, strict });
      const { faces, chosen } = await findFaces(detector, photo, { choice, rotations });
      if (chosen === null) throw new SphereFaceError('no face found');
      const { landmarks } = faces[chosen];
      return new Map(templates.map((template) => [template.name, alignFace(photo, landmarks, template)]));
    },
    [Symbol.asyncDispose]: () => detector.dispose(),
  };
}
