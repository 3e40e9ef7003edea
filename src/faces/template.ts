// Where the five landmarks of an aligned face lie: the published template, and the names crops and models know it by.
import { UsageError } from '../common/errors.js';
import type { AlignmentSpec } from '../images/alignment.js';
import type { InputSpec } from '../images/input.js';
import type { Landmarks, Point } from './geometry.js';
import type { SimilaritySolver } from './similarity.js';

/** A template: the size of the crop and the landmarks' places in it (0-based pixels). */
export interface Template {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly landmarks: Landmarks;
}

/** The published points (face_align_demo.m of SphereFace): 1-based, in a crop 96 wide and 112 high. */
const published: Landmarks = [
  [30.2946, 51.6963],
  [65.5318, 51.5014],
  [48.0252, 71.7366],
  [33.5493, 92.3655],
  [62.7299, 92.2041],
];

function shifted(dx: number, dy: number): Landmarks {
  return published.map(([x, y]): Point => [x + dx, y + dy]) as unknown as Landmarks;
}

/**
 * dlib's mean face (the shape behind `get_face_chip_details`, in a unit square) at our landmarks: the means of either eye's contour (points 36 to
 * 41 and 42 to 47 of 68), the tip of the nose (30) and the corners of the mouth (48 and 54).
 */
const dlibMeanFace: Landmarks = [
  [0.2254918, 0.2159903],
  [0.7547613, 0.2159903],
  [0.490127, 0.515625],
  [0.254149, 0.780233],
  [0.726104, 0.780233],
];

/** A quarter of the face's size around it, as dlib's network was trained. A pixel's centre lies half a pixel after its edge. */
function dlibChip(size: number): Landmarks {
  const padding = 0.25;
  const place = (value: number): number => (size * (value + padding)) / (1 + 2 * padding) - 0.5;
  return dlibMeanFace.map(([x, y]): Point => [place(x), place(y)]) as unknown as Landmarks;
}

/** The known templates, by crop size `HEIGHTxWIDTH`. */
export const templates = {
  /** The published system's. */
  '112x96': { name: 'sphereface-112x96', width: 96, height: 112, landmarks: shifted(-1, -1) },
  /** The same face with 8 pixels more on either side, as later systems use it (x + 8: ArcFace, OpenSphere). */
  '112x112': { name: 'sphereface-112x112', width: 112, height: 112, landmarks: shifted(8 - 1, -1) },
  /** dlib's, for its residual network: the whole head. */
  '150x150': { name: 'dlib-150x150', width: 150, height: 150, landmarks: dlibChip(150) },
} as const satisfies Record<string, Template>;

export type CropSizeName = keyof typeof templates;

/** The template of a crop size. @throws UsageError for a size that has none. */
export function templateOf(size: string): Template {
  const template = (templates as Readonly<Record<string, Template>>)[size];
  if (template === undefined) {
    throw new UsageError('There is no alignment template for this crop size.', {
      got: size,
      expected: `${Object.keys(templates).join(' or ')} (height x width)`,
    });
  }
  return template;
}

/**
 * Refuses an input convention whose pictures are not of its template's size: no crop would be both. Names that are not known here are those of
 * crops that others make, of any size.
 * @param stating names what states it in errors
 */
export function requireTemplateSize(
  { alignment, width, height }: Pick<InputSpec, 'alignment' | 'width' | 'height'>,
  stating: string,
): void {
  const known: readonly Template[] = Object.values(templates);
  const template = known.find(({ name }) => name === alignment.template);
  if (template === undefined || (template.width === width && template.height === height)) return;
  const fitting = known.filter((other) => other.width === width && other.height === height);
  const names = (some: readonly Template[]): string => some.map(({ name }) => name).join(' or ');
  throw new UsageError(`The pictures of ${stating} do not have the size of their template.`, {
    got: `${height} high, ${width} wide, with template ${template.name}: ${template.height} high, ${template.width} wide`,
    expected: fitting.length > 0 ? `template ${names(fitting)}` : `a size that a template has: ${names(known)}`,
    next: 'correct the size or the template; crops that other software cuts take a template name of their own',
  });
}

/** Raised whenever the same photo would give other crops: crops of different versions must not meet in one model. */
export const alignmentVersion = 1;

/** How crops of this template and solver are described in manifests and model files. */
export function alignmentSpec(template: Template, solver: SimilaritySolver): AlignmentSpec {
  return { template: template.name, solver, version: alignmentVersion };
}
