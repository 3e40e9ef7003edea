// People and their embeddings, to be searched: who is it, or unknown.
import { normaliseName } from '../../../common/names.js';
import { Lifetime } from '../../../common/lifetime.js';
import { SphereFaceError, UsageError } from '../../../common/errors.js';
import { Queue } from '../../../common/queue.js';
import { Random } from '../../../common/random.js';
import { packageVersion } from '../../../common/version.js';
import { requireWritableFolder } from '../../../common/writable.js';
import { meanDirection } from '../../../evaluation/index.js';
import { describeAlignment } from '../../../images/index.js';
import type { Embedder, EmbeddingOrigin } from '../embedder.js';
import type { FaceInput } from '../photo-crops.js';
import { pathOf } from '../photo-input.js';
import { Contents, type GalleryPhoto, type GalleryProblem } from './contents.js';
import { enrollPeople, type EnrollOptions, type EnrollReport } from './enroll.js';
import {
  decideOpenSet,
  type OpenSetDecision,
  type OpenSetOptions,
  type OwnCalibration,
  ownCalibration,
} from './open-set.js';
import type { RowType } from './rows.js';
import { highest, type IdentityScore, probesAtOnce, Search } from './search.js';
import { readContents, readManifest, writeGallery } from './store.js';

export interface GalleryOptions {
  /** How a person's photos make a similarity; `best` by default. */
  readonly score?: IdentityScore;
  /** How embeddings are kept; `float32` by default. */
  readonly type?: RowType;
}

export interface IdentifyOptions extends OpenSetOptions {
  /** How many people to give, the most similar first; 1 by default. */
  readonly top?: number;
}

/** A person of the gallery, as the answer to one photo. */
export interface Match {
  /** The person's name; `unknown` where the similarity is not above the threshold, or where nothing gives one. */
  readonly identity: string;
  readonly known: boolean;
  /** Whoever is most similar, known or not. */
  readonly nearest: string;
  /** −1 to 1. */
  readonly similarity: number;
}

/** What `identity` says of people below the threshold. */
export const unknownIdentity = 'unknown';

/** The most photos of a gallery that are compared with it to calibrate it. */
const calibrationProbes = 2000;

/**
 * A gallery. Searching is exact: every photo is compared. Embeddings are held in memory (Node maps no files): 4 bytes a value, or 2 as
 * float16, so a million of 512 values take 2 or 1 GB. All methods may be called side by side and take their turn.
 */
export class Gallery implements AsyncDisposable {
  private readonly life = new Lifetime('gallery');
  private readonly turns = new Queue();
  private search: Promise<Search> | undefined;

  private constructor(
    private readonly embedder: Embedder,
    private readonly contents: Contents,
    /** How a person's photos make a similarity. */
    readonly score: IdentityScore,
    /** The settings that its photos were enrolled with. */
    private settings: string,
    private own: OwnCalibration | undefined,
  ) {}

  /** An empty gallery. */
  static create(embedder: Embedder, { score = 'best', type = 'float32' }: GalleryOptions = {}): Gallery {
    return new Gallery(embedder, new Contents(embedder.origin.width, type), score, embedder.settings, undefined);
  }

  /**
   * A gallery that was saved.
   * @throws UsageError when there is none, SphereFaceError for a damaged one, and for one of another model, alignment or flip.
   */
  static async load(embedder: Embedder, path: string | URL): Promise<Gallery> {
    const folder = pathOf(path);
    const manifest = await readManifest(folder);
    requireSameOrigin(manifest.origin, embedder, folder);
    const contents = await readContents(folder, manifest);
    return new Gallery(embedder, contents, manifest.score, manifest.settings, manifest.calibration);
  }

  /** Everybody in it, in the order they came. */
  get identities(): readonly string[] {
    return this.contents.identities.names;
  }

  get photos(): readonly GalleryPhoto[] {
    return this.contents.photos;
  }

  /** Photos of an enrolled folder that gave no embedding, and why. */
  get problems(): readonly GalleryProblem[] {
    return this.contents.problems;
  }

  get type(): RowType {
    return this.contents.rows.type;
  }

  /**
   * Makes the enrolled photos those of a folder of identity folders, a zip of one, or a list: new and changed ones are embedded (by size,
   * time and content), those no longer there are taken out. Photos added singly stay. With other settings of the detector than before
   * all are embedded again.
   * @param options.save also saves there, at the end and from time to time, so that enrolling again goes on after an interruption
   */
  enroll(people: string | URL, options: EnrollOptions & { readonly save?: string | URL } = {}): Promise<EnrollReport> {
    return this.inTurn(async () => {
      const embed = this.settings === this.embedder.settings ? 'changes' : 'all';
      const { save } = options;
      if (save !== undefined) await requireWritableFolder(pathOf(save));
      const atRest = async () => (save === undefined ? undefined : this.write(save));
      this.settings = this.embedder.settings;
      const report = await enrollPeople(this.contents, this.embedder, pathOf(people), { ...options, embed, atRest });
      if (report.added + report.changed + report.removed > 0) this.own = undefined;
      await atRest();
      return report;
    });
  }

  /**
   * Adds photos of a person, who may be in it already.
   * @throws SphereFaceError for a photo that gives no embedding; then none is added. UsageError for an empty name.
   */
  async add(identity: string, photos: FaceInput | readonly FaceInput[]): Promise<void> {
    if (identity === '') throw new UsageError('A person needs a name.');
    return this.inTurn(async () => {
      const faces = Array.isArray(photos) ? (photos as readonly FaceInput[]) : [photos as FaceInput];
      const name = normaliseName(identity);
      for (const { file, embedding } of await this.embedder.embedFaces(faces)) {
        this.contents.add({ identity: name, file, stamp: undefined }, embedding);
      }
      this.own = undefined;
    });
  }

  /** Takes a person out; gives the number of photos that were. */
  remove(identity: string): Promise<number> {
    return this.inTurn(async () => {
      const name = normaliseName(identity);
      this.contents.problems = this.contents.problems.filter((problem) => problem.identity !== name);
      const removed = this.contents.filter((photo) => photo.identity !== name);
      if (removed > 0) this.own = undefined;
      return Promise.resolve(removed);
    });
  }

  /** By which threshold people are known, and how often a stranger is. @throws UsageError for options that cannot be served. */
  decision(options: OpenSetOptions = {}): OpenSetDecision {
    const { calibration, modelName, origin } = this.embedder;
    const comparisons = this.score === 'best' ? this.contents.photos.length : this.identities.length;
    return decideOpenSet(options, { comparisons, own: this.own, calibration, flip: origin.flip, modelName });
  }

  /**
   * Who is in a photo: the `top` most similar people, those who are not above the threshold as `unknown`. Empty for an empty gallery.
   * @throws SphereFaceError for a photo without a face.
   */
  async identify(photo: FaceInput, options: IdentifyOptions = {}): Promise<Match[]> {
    const [face] = await this.life.use(() => this.embedder.embedFaces([photo]));
    const [matches] = await this.identifyEmbeddings([face!.embedding], options);
    return matches!;
  }

  /** Who each of several embeddings of this recognizer is: many at once take hardly longer than one. */
  identifyEmbeddings(embeddings: readonly Float32Array[], options: IdentifyOptions = {}): Promise<Match[][]> {
    return this.inTurn(async () => {
      const { top = 1 } = options;
      if (!Number.isInteger(top) || top < 1) {
        throw new UsageError('`top` is no number of people.', { got: String(top), expected: '1 or more' });
      }
      const { threshold } = this.decision(options);
      const { names } = this.contents.identities;
      const results: Match[][] = [];
      for await (const scores of this.compare(embeddings)) {
        results.push(
          highest(scores, top).map(({ index, score: similarity }) => {
            const nearest = names[index]!;
            const known = threshold !== undefined && similarity > threshold;
            return { identity: known ? nearest : unknownIdentity, known, nearest, similarity };
          }),
        );
      }
      return results;
    });
  }

  /**
   * Calibrates the gallery on its own people: each photo is compared with everybody but its own person, who is a stranger to them. Up to
   * 2,000 photos are drawn. Adding, removing and changing photos ends the calibration.
   * @param rate the share of strangers who may be taken for anyone in the gallery (FPIR)
   * @throws SphereFaceError where there are too few photos for the rate.
   */
  calibrate(rate: number): Promise<OpenSetDecision> {
    return this.inTurn(async () => {
      const { of, count } = this.contents.identities.rows;
      const chosen = Int32Array.from(of.keys());
      new Random(1).shuffle(chosen);
      const probes = count < 2 ? [] : Array.from(chosen.subarray(0, calibrationProbes));
      const own = (probe: number, identity: number): boolean => identity === of[probes[probe]!];
      const strangers: number[] = [];
      const embeddings = probes.map((row) => this.contents.rows.row(row));
      for await (const scores of this.compare(embeddings, own)) strangers.push(highest(scores, 1)[0]!.score);
      this.own = ownCalibration(Float64Array.from(strangers), rate);
      return this.decision();
    });
  }

  /** Saves it as a folder. An interruption at any moment leaves what was there before, or the new one. */
  save(path: string | URL): Promise<void> {
    return this.inTurn(() => this.write(path));
  }

  /** Releases what searching holds, when what is under way has ended. Safe to call twice. */
  dispose(): Promise<void> {
    return this.life.end(async () => (await this.search)?.dispose());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.life.use(() => this.turns.run(work));
  }

  private write(path: string | URL): Promise<void> {
    const { rows } = this.contents;
    return writeGallery(pathOf(path), this.contents, {
      packageVersion,
      origin: this.embedder.origin,
      settings: this.settings,
      type: rows.type,
      score: this.score,
      ...(this.own === undefined ? {} : { calibration: this.own }),
    });
  }

  /** The scores of each embedding with everybody, in order. */
  private async *compare(
    embeddings: readonly Float32Array[],
    skip: (embedding: number, identity: number) => boolean = () => false,
  ): AsyncGenerator<Float32Array> {
    const { rows, identities } = this.contents;
    this.search ??= Search.create(rows.width, rows.type);
    const search = await this.search;
    for (let start = 0; start < embeddings.length; start += probesAtOnce) {
      const batch = embeddings.slice(start, start + probesAtOnce);
      const probes = new Float32Array(batch.length * rows.width);
      for (const [i, embedding] of batch.entries()) {
        if (embedding.length !== rows.width) {
          throw new UsageError('The embedding is none of this gallery.', {
            got: `${embedding.length} values`,
            expected: String(rows.width),
          });
        }
        probes.set(meanDirection([embedding]), i * rows.width);
      }
      yield* await search.scores(probes, rows, identities.rows, this.score, (probe, identity) =>
        skip(start + probe, identity),
      );
    }
  }
}

function requireSameOrigin(stored: EmbeddingOrigin, { origin, modelName }: Embedder, folder: string): void {
  const differ = (what: string, got: string, expected: string): SphereFaceError =>
    new SphereFaceError(`The gallery ${folder} was made with another ${what}.`, {
      got,
      expected,
      next: 'open it with what made it, or enroll the people again into another folder',
    });
  if (stored.model !== origin.model) {
    throw differ(
      'model',
      `the network ${stored.model.slice(0, 12)}…`,
      `${origin.model.slice(0, 12)}…, that of ${modelName}`,
    );
  }
  const [got, expected] = [stored, origin].map(({ alignment }) => describeAlignment(alignment));
  if (got !== expected) throw differ('alignment', got!, expected!);
  if (stored.flip !== origin.flip || stored.width !== origin.width) {
    const words = ({ flip, width }: EmbeddingOrigin) =>
      `${width} values, ${flip ? 'with' : 'without'} the mirrored picture's`;
    throw differ('setting of `flip`', words(stored), words(origin));
  }
}
