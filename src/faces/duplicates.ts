// Finds pictures that are the same although their files differ: saved again, at another quality, in another format.
import type { Picture } from '../images/source.js';

/** What is kept of a picture to recognise it by. */
export interface Fingerprint {
  /** 64 bits: whether brightness rises from each cell to its right neighbour, on a 9 × 8 grid (a difference hash). */
  readonly bits: readonly [number, number];
  /** Brightness on a 16 × 16 grid. */
  readonly thumbnail: Uint8Array;
}

/** Equal pictures differ in at most this many bits of the hash. */
const maxBits = 3;
/** … and on average by at most this many grey levels on the 16 × 16 grid. */
const maxDifference = 2;
const side = 16;

export function fingerprint(picture: Picture): Fingerprint {
  const grid = brightnessGrid(picture, 9, 8);
  const bits: [number, number] = [0, 0];
  for (let bit = 0; bit < 64; bit++) {
    const at = (bit >> 3) * 9 + (bit & 7);
    if (grid[at] < grid[at + 1]) bits[bit >> 5] |= 1 << (bit & 31);
  }
  return { bits, thumbnail: Uint8Array.from(brightnessGrid(picture, side, side), Math.round) };
}

/** Whether two pictures are the same up to compression noise. */
export function isSamePicture(a: Fingerprint, b: Fingerprint): boolean {
  if (bitCount(a.bits[0] ^ b.bits[0]) + bitCount(a.bits[1] ^ b.bits[1]) > maxBits) return false;
  let difference = 0;
  for (let i = 0; i < a.thumbnail.length; i++) difference += Math.abs(a.thumbnail[i] - b.thumbnail[i]);
  return difference <= maxDifference * a.thumbnail.length;
}

/**
 * Groups of equal pictures, each in ascending order, of two members or more. Two hashes that differ in at most 3 of 64 bits
 * agree in one of their four 16-bit parts, so only pictures that share a part are compared.
 */
export function groupEqual(fingerprints: readonly (Fingerprint | undefined)[]): number[][] {
  const leader = Int32Array.from(fingerprints.keys());
  const find = (i: number): number => {
    while (leader[i] !== i) {
      leader[i] = leader[leader[i]];
      i = leader[i];
    }
    return i;
  };
  for (let part = 0; part < 4; part++) {
    const buckets = new Map<number, number[]>();
    fingerprints.forEach((print, i) => {
      if (print === undefined) return;
      const key = (print.bits[part >> 1] >>> (16 * (part & 1))) & 0xffff;
      const bucket = buckets.get(key);
      if (bucket === undefined) {
        buckets.set(key, [i]);
        return;
      }
      for (const j of bucket) {
        if (find(i) !== find(j) && isSamePicture(print, fingerprints[j]!))
          leader[Math.max(find(i), find(j))] = Math.min(find(i), find(j));
      }
      bucket.push(i);
    });
  }
  const groups = new Map<number, number[]>();
  for (let i = 0; i < leader.length; i++) {
    const group = groups.get(find(i));
    if (group === undefined) groups.set(find(i), [i]);
    else group.push(i);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

function bitCount(word: number): number {
  let rest = word >>> 0;
  let count = 0;
  for (; rest !== 0; count++) rest = (rest & (rest - 1)) >>> 0;
  return count;
}

/** Mean brightness (ITU-R BT.601) of the cells of a grid over the picture. */
function brightnessGrid({ width, height, data }: Picture, columns: number, rows: number): Float64Array {
  const grid = new Float64Array(columns * rows);
  for (let row = 0; row < rows; row++) {
    const top = Math.floor((row * height) / rows);
    const bottom = Math.max(top + 1, Math.floor(((row + 1) * height) / rows));
    for (let column = 0; column < columns; column++) {
      const left = Math.floor((column * width) / columns);
      const right = Math.max(left + 1, Math.floor(((column + 1) * width) / columns));
      let sum = 0;
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) {
          const at = (y * width + x) * 3;
          sum += 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
        }
      }
      grid[row * columns + column] = sum / ((bottom - top) * (right - left));
    }
  }
  return grid;
}
