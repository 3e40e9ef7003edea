// For tests: the classification losses and energies in float64 by the papers' formulas, and gradients by central differences of them.
import { Random } from '../common/random.js';
import type { RieszOptions } from '../losses/energies/riesz-kernel.js';
import type { EnergyPairs } from '../losses/energies/riesz-pairs.js';
import { type MarginOptions, margins } from '../losses/margins/index.js';

export type Matrix = number[][];

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((total, x, i) => total + x * b[i], 0);
export const norm = (a: readonly number[]) => Math.sqrt(dot(a, a));
export const cosine = (a: readonly number[], b: readonly number[]) => dot(a, b) / norm(a) / norm(b);
const mean = (values: readonly number[]) => values.reduce((total, x) => total + x, 0) / values.length;
const clamp = (x: number, most: number) => Math.min(most, Math.max(-most, x));

export function randomRows(random: Random, rows: number, size: number, length = 1): Matrix {
  return Array.from({ length: rows }, () => Array.from({ length: size }, () => random.gaussian() * length));
}

/** ψ by its definition in pieces. */
function psi(theta: number, m: number): number {
  const k = Math.min(Math.floor((m * theta) / Math.PI), m - 1);
  return (-1) ** k * Math.cos(m * theta) - 2 * k;
}

/** The classification losses in float64, by the papers' formulas. */
export function lossReference(
  X: Matrix,
  W: Matrix,
  labels: readonly number[],
  lambda: number,
  bias: number,
  o: MarginOptions,
) {
  const crossEntropy = (logits: Matrix) =>
    mean(
      logits.map((row, i) => {
        const largest = Math.max(...row);
        return largest + Math.log(row.reduce((t, z) => t + Math.exp(z - largest), 0)) - row[labels[i]];
      }),
    );
  const cos = X.map((x) => W.map((w) => cosine(x, w)));
  const logits = (of: (c: number, own: boolean, i: number) => number) =>
    cos.map((row, i) => row.map((c, j) => of(c, j === labels[i], i)));
  switch (o.type) {
    case 'softmax':
      return crossEntropy(X.map((x) => W.map((w) => dot(x, w))));
    case 'normalised-softmax':
      return crossEntropy(logits((c) => o.scale * c));
    case 'a-softmax':
      return crossEntropy(
        logits((c, own, i) => {
          const margin = o.m === 1 ? c : (lambda * c + psi(Math.acos(clamp(c, 1)), o.m)) / (1 + lambda);
          return norm(X[i]) * (own ? margin : c);
        }),
      );
    case 'cosface':
      return crossEntropy(logits((c, own) => o.scale * (own ? c - o.margin : c)));
    case 'arcface':
      return crossEntropy(
        logits((c, own) => {
          const theta = Math.acos(c);
          const target = theta + o.margin < Math.PI ? Math.cos(theta + o.margin) : c - o.margin * Math.sin(o.margin);
          return o.scale * (own ? target : c);
        }),
      );
    case 'sphereface-r': {
      const target = (c: number) => (o.version === 'v1' ? Math.cos(Math.min(o.m * Math.acos(c), Math.PI)) : c);
      const other = (c: number) => (o.version === 'v1' ? c : Math.cos(Math.acos(c) / o.m));
      return o.weight * crossEntropy(logits((c, own) => o.scale * (own ? target(c) : other(c))));
    }
    case 'sphereface2': {
      const g = (z: number) => 2 * ((z + 1) / 2) ** o.exponent - 1;
      const terms = logits((c, own) =>
        own
          ? o.balance * Math.log1p(Math.exp(-(o.scale * (g(c) - o.margin) + bias)))
          : (1 - o.balance) * Math.log1p(Math.exp(o.scale * (g(c) + o.margin) + bias)),
      );
      return (o.weight / o.scale) * mean(terms.map((row) => row.reduce((t, x) => t + x, 0)));
    }
  }
}

/** dF/dM by central differences in float64; h = 1e-6 leaves about 1e-9 of error. */
export function centralDifferences(M: Matrix, F: (M: Matrix) => number): number[] {
  const h = 1e-6;
  return M.flatMap((row, i) =>
    row.map((_, j) => {
      const moved = (by: number) => M.map((r, k) => (k === i ? r.map((x, l) => (l === j ? x + by : x)) : r));
      return (F(moved(h)) - F(moved(-h))) / (2 * h);
    }),
  );
}

/** Largest difference relative to the largest element of the reference. */
export function relativeError(got: ArrayLike<number>, expected: readonly number[]): number {
  const scale = Math.max(...expected.map(Math.abs), 1e-6);
  return Math.max(...expected.map((value, i) => Math.abs(got[i] - value))) / scale;
}

/** The mean energy in float64 by its definition. */
export function energyReference(W: Matrix, labels: readonly number[], pairs: EnergyPairs, o: RieszOptions): number {
  const f = (c: number) => {
    const theta = Math.acos(clamp(c, 1));
    const z = o.on === 'distance' ? Math.sqrt(2 - 2 * c) : o.on === 'angle' ? theta / Math.PI + 1e-4 : theta;
    return o.s === 0 ? -Math.log(z) : z ** -o.s;
  };
  const among = (own: readonly number[], others: readonly number[]) =>
    mean(
      own.flatMap((i) => [
        ...others
          .filter((j) => j !== i)
          .flatMap((j) => {
            const c = cosine(W[i], W[j]);
            return o.space === 'full' ? [f(c)] : [f(c), f(-c)];
          }),
        ...(o.space === 'full' ? [] : [f(-1)]),
      ]),
    );
  const all = W.map((_, i) => i);
  const distinct = [...new Set(labels)];
  return pairs === 'batch-all' ? among(labels, all) : pairs === 'batch' ? among(distinct, distinct) : among(all, all);
}

/** A-Softmax with its other options at their defaults. */
export const aSoftmaxOf = (m: 1 | 2 | 3 | 4) => margins.schema.parse({ type: 'a-softmax', m });

/** Every margin, in the variants that differ in their formula. */
export const sphereFace2 = {
  type: 'sphereface2',
  balance: 0.7,
  scale: 8,
  margin: 0.4,
  exponent: 3,
  weight: 10,
} as const;
export const triedMargins: MarginOptions[] = [
  { type: 'softmax' },
  { type: 'normalised-softmax', scale: 8 },
  ...([1, 2, 3, 4] as const).map((m) => aSoftmaxOf(m)),
  { type: 'cosface', scale: 8, margin: 0.35 },
  { type: 'arcface', scale: 8, margin: 0.5 },
  { type: 'sphereface-r', version: 'v1', scale: 8, m: 1.5, gradient: 'exact', weight: 1 },
  { type: 'sphereface-r', version: 'v2', scale: 8, m: 1.4, gradient: 'exact', weight: 2 },
  sphereFace2,
  { ...sphereFace2, exponent: 2.5 },
];
