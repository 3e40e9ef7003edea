// The arithmetic between MTCNN's networks: scales, candidates, suppression, regression. Coordinates here are the
// published code's: 1-based, boxes include both corners; the detector subtracts 1 at the very end.

/** A box on its way through the detector, with the network's regression offsets still to be applied. */
export interface Candidate {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
  readonly score: number;
}

/** Offsets of x1, y1, x2, y2 in units of the box size. */
export type Offsets = readonly [number, number, number, number];

/** A prediction of the P-Net: where, how sure, and how the box should move. */
export interface Proposal {
  readonly box: Candidate;
  readonly offsets: Offsets;
}

/** The stride of the P-Net's predictions, in pixels of its input. */
const stride = 2;
/** The side of the square that one prediction is about. */
export const cell = 12;

/** The factors to shrink a picture by, so that faces from `minSize` pixels up to the whole picture appear 12 pixels large. */
export function pyramidScales(width: number, height: number, minSize: number, factor: number): number[] {
  const scales: number[] = [];
  const first = cell / minSize;
  let side = Math.min(width, height) * first;
  while (side >= cell) {
    scales.push(first * factor ** scales.length);
    side *= factor;
  }
  return scales;
}

/**
 * The cells of one pyramid level whose face probability reaches `threshold`.
 * @param probability [rows, columns] of face probabilities; `firstRow` is its first row's place in the level
 * @param offsets [4, rows, columns]
 */
export function generateCandidates(
  probability: Float32Array,
  offsets: Float32Array,
  columns: number,
  firstRow: number,
  scale: number,
  threshold: number,
): Proposal[] {
  const plane = probability.length;
  const candidates: Proposal[] = [];
  for (let i = 0; i < plane; i++) {
    if (!(probability[i] >= threshold)) continue;
    const x = i % columns;
    const y = firstRow + (i - x) / columns;
    const box = {
      x1: Math.trunc((stride * x + 1) / scale),
      y1: Math.trunc((stride * y + 1) / scale),
      x2: Math.trunc((stride * x + cell) / scale),
      y2: Math.trunc((stride * y + cell) / scale),
      score: probability[i],
    };
    const o: Offsets = [offsets[i], offsets[i + plane], offsets[i + 2 * plane], offsets[i + 3 * plane]];
    candidates.push({ box, offsets: o });
  }
  return candidates;
}

/**
 * Greedy non-maximum suppression: the indices of the boxes that stay, best first. A box goes when it overlaps a better one
 * by more than `threshold`, measured against their union or against the smaller of the two. Only boxes near each other are
 * compared, so that photos of crowds and of noise do not take time with the square of the number of boxes.
 */
export function suppress(boxes: readonly Candidate[], threshold: number, measure: 'union' | 'smaller'): number[] {
  const count = boxes.length;
  // Ascending and stable, taken from the end: of equal scores the later box wins, as in the published code.
  const order = Array.from(boxes.keys()).sort((a, b) => boxes[a].score - boxes[b].score);
  const x1 = Float64Array.from(order, (i) => boxes[i].x1);
  const y1 = Float64Array.from(order, (i) => boxes[i].y1);
  const x2 = Float64Array.from(order, (i) => boxes[i].x2);
  const y2 = Float64Array.from(order, (i) => boxes[i].y2);
  const area = x1.map((left, i) => (x2[i] - left + 1) * (y2[i] - y1[i] + 1));
  const shelves = shelve(x1, x2);
  const gone = new Uint8Array(count);
  const kept: number[] = [];
  for (let i = count - 1; i >= 0; i--) {
    if (gone[i] === 1) continue;
    kept.push(order[i]);
    for (const { widest, byLeft } of shelves) {
      const first = firstAtLeast(byLeft, x1, x1[i] - widest - 1);
      for (let place = first; place < byLeft.length; place++) {
        const j = byLeft[place];
        if (x1[j] > x2[i] + 1) break;
        if (j >= i || gone[j] === 1) continue;
        const width = Math.min(x2[i], x2[j]) - Math.max(x1[i], x1[j]) + 1;
        if (width <= 0) continue;
        const height = Math.min(y2[i], y2[j]) - Math.max(y1[i], y1[j]) + 1;
        if (height <= 0) continue;
        const overlap = width * height;
        const whole = measure === 'union' ? area[i] + area[j] - overlap : Math.min(area[i], area[j]);
        // Written so that a box without area (NaN overlap) goes, as it does in Matlab.
        if (!(overlap / whole <= threshold)) gone[j] = 1;
      }
    }
  }
  return kept;
}

/** Boxes of similar width, sorted by their left edges. */
interface Shelf {
  readonly widest: number;
  readonly byLeft: Int32Array;
}

function shelve(x1: Float64Array, x2: Float64Array): readonly Shelf[] {
  const shelves = new Map<number, number[]>();
  for (let i = 0; i < x1.length; i++) {
    const size = Math.ceil(Math.log2(Math.max(x2[i] - x1[i], 1)));
    const shelf = shelves.get(size);
    if (shelf === undefined) shelves.set(size, [i]);
    else shelf.push(i);
  }
  return [...shelves.values()].map((members) => ({
    widest: members.reduce((most, i) => Math.max(most, x2[i] - x1[i]), 0),
    byLeft: Int32Array.from(members).sort((a, b) => x1[a] - x1[b]),
  }));
}

/** The first place in `byLeft` whose left edge is at least `bound`. */
function firstAtLeast(byLeft: Int32Array, x1: Float64Array, bound: number): number {
  let [low, high] = [0, byLeft.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x1[byLeft[middle]] < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Moves the corners by the P-Net's offsets; its unit is x2 − x1. */
export function regressProposal({ x1, y1, x2, y2, score }: Candidate, offsets: Offsets): Candidate {
  return regress({ x1, y1, x2, y2, score }, offsets, x2 - x1, y2 - y1);
}

/** Moves the corners by the R-Net's or O-Net's offsets; their unit is x2 − x1 + 1. */
export function regressBox(box: Candidate, offsets: Offsets): Candidate {
  return regress(box, offsets, box.x2 - box.x1 + 1, box.y2 - box.y1 + 1);
}

function regress(
  { x1, y1, x2, y2, score }: Candidate,
  [a, b, c, d]: Offsets,
  width: number,
  height: number,
): Candidate {
  return { x1: x1 + a * width, y1: y1 + b * height, x2: x2 + c * width, y2: y2 + d * height, score };
}

/** The square around the same centre, with whole-numbered corners (cut off toward zero). */
export function toSquare({ x1, y1, x2, y2, score }: Candidate): Candidate {
  const width = x2 - x1;
  const height = y2 - y1;
  const side = Math.max(width, height);
  const left = x1 + width / 2 - side / 2;
  const top = y1 + height / 2 - side / 2;
  return { x1: Math.trunc(left), y1: Math.trunc(top), x2: Math.trunc(left + side), y2: Math.trunc(top + side), score };
}

/**
 * Whether a box can be cut from the picture: at least a pixel large, touching the picture, and no larger than twice the
 * picture. (The published code stops with an error on the first kind and cuts out black for the others.)
 */
export function isUsable(
  { x1, y1, x2, y2 }: Candidate,
  picture: { readonly width: number; readonly height: number },
): boolean {
  const limit = 2 * Math.max(picture.width, picture.height);
  const within = (low: number, high: number, size: number) =>
    high >= low && high - low < limit && high >= 1 && low <= size;
  return within(x1, x2, picture.width) && within(y1, y2, picture.height);
}
