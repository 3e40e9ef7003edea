// What an evaluation reads: pair files, lists, and the images they name.
import { basename } from 'node:path';
import { UsageError } from '../common/errors.js';
import {
  type AlignmentSpec,
  type CropManifest,
  type OpenedSource,
  openImageSource,
  formatOf,
  openVerificationSet,
  readTextFile,
  type VerificationSet,
  verificationSetFormat,
} from '../images/index.js';
import { ImageNames, type ListedImage, type PairFile, parseImageList, parsePairs } from '../evaluation/index.js';

/** Pairs and the images that they name. */
export interface EvaluationData {
  readonly pairFile: PairFile;
  readonly source: OpenedSource;
  /** The source's images by name, for pair files and lists. */
  readonly names: ImageNames;
  /** The images' name and form, for reports. */
  readonly images: { readonly name: string; readonly kind: string };
  /** How the crops say they were made; absent where they do not say. */
  readonly crops: CropManifest | undefined;
  /** What they state of their alignment; a list of several folders has no one manifest. */
  readonly alignment: AlignmentSpec | undefined;
  /** What is odd about images and pairs. */
  readonly warnings: readonly string[];
}

/** Where the pairs are, and the images they name. */
export interface EvaluationPaths {
  readonly pairs: string;
  /** Absent for a verification set, which holds its images. */
  readonly images?: string;
}

/**
 * Opens the pairs and images: two paths, or one verification set (`lfw.bin`) that holds both.
 * @param asked what the user calls the images, for errors
 */
export async function openEvaluationData(
  { pairs, images }: EvaluationPaths,
  asked = '--images',
): Promise<EvaluationData> {
  const set = await verificationSet(pairs);
  if (set !== undefined) {
    if (images !== undefined) {
      await set.dispose();
      throw new UsageError(`${pairs} brings its own images`, { next: `leave ${asked} out` });
    }
    return {
      pairFile: { format: 'list', pairs: set.pairs.map((pair, i) => ({ line: i + 1, ...pair })) },
      source: set,
      names: new ImageNames(set.entries),
      images: { name: basename(pairs), kind: 'verification set' },
      crops: undefined,
      alignment: undefined,
      warnings: set.warnings,
    };
  }
  if (images === undefined) {
    throw new UsageError('The images of the pairs are not given', { next: `give them with ${asked} DATA` });
  }
  const source = await openImageSource(images);
  try {
    const names = new ImageNames(source.entries, source.around);
    const warnings = [...source.warnings];
    return {
      pairFile: await readPairs(pairs, names, (warning) => warnings.push(warning)),
      source,
      names,
      images: { name: basename(images), kind: source.kind },
      crops: source.manifest,
      alignment: source.alignment,
      warnings,
    };
  } catch (error) {
    await source.dispose();
    throw error;
  }
}

/** The verification set at a path, if it is one. */
async function verificationSet(path: string): Promise<VerificationSet | undefined> {
  const format = await formatOf(path).catch(() => undefined);
  return format?.kind === verificationSetFormat.kind ? openVerificationSet(path) : undefined;
}

/** Told of an encoding that was guessed. */
type Warn = (warning: string) => void;

/** Reads a pair file; what images there are decides where its form leaves several meanings. */
export async function readPairs(path: string, names: ImageNames, warn: Warn = () => undefined): Promise<PairFile> {
  return parsePairs(await textOf(path, warn), basename(path), names);
}

/** Reads a gallery or probe list. */
export async function readImageList(path: string, names: ImageNames, warn: Warn): Promise<ListedImage[]> {
  return parseImageList(await textOf(path, warn), basename(path), names);
}

async function textOf(path: string, warn: Warn): Promise<string> {
  const { text, warnings } = await readTextFile(path).catch((cause: unknown) => {
    throw new UsageError(`${path} cannot be read`, { expected: 'a text file', cause });
  });
  for (const warning of warnings) warn(warning);
  return text;
}
