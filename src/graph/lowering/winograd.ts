// Convolution as five matrix products, without moving a single pixel otherwise: the picture is laid out [h, w, n, c], so that
// transforming an axis is a product from the left, and the transformed tiles meet the transformed weights as matrices [pixels, c] · [c, o].
// Its two gradients are the same products transposed, and share the transformed input, weights and output gradient.
import type { Emitter, Value } from '../value.js';
import type { ConvGeometry } from '../window-geometry.js';
import { pictureLayout } from './layout.js';
import { type Plan, planOf, productsPerPair } from './winograd-plan.js';
import { transformsOf } from './winograd-maps.js';
import { alongBoth, fromTiles, toTiles, transposed } from './winograd-tiles.js';

/** The picture's tiles, transformed, in the shape of tilesShape (winograd-plan.ts). */
function inputTiles(emitter: Emitter, x: Value, plan: Plan): string {
  const name = emitter.nameIn(x, pictureLayout(x.shape));
  return emitter.once(`bilinear-input:${name}:${plan.key}`, () =>
    toTiles(emitter, name, plan, transformsOf(plan).input, 'forward'),
  );
}

/** The weights, transformed: [1, points, points, c, o]. The backward pass reads them again. */
function weightTiles(emitter: Emitter, weights: Value, plan: Plan): string {
  const name = emitter.nameIn(weights, 'hwio');
  return emitter.once(`bilinear-weights:${name}:${plan.key}`, () => {
    const { rows, columns, kernel } = plan;
    const rest = plan.x.c * plan.y.o;
    const tiles = alongBoth(
      emitter,
      name,
      [...kernel, rest],
      { data: rows.g, rows: rows.points },
      { data: columns.g, rows: columns.points },
      'forward',
    );
    return emitter.node('Reshape', [tiles, emitter.ints([1, rows.points, columns.points, plan.x.c, plan.y.o])]);
  });
}

/** The output gradient carried to the tiles, in the shape of tilesShape (winograd-plan.ts). */
function outputGradientTiles(emitter: Emitter, dy: Value, plan: Plan): string {
  const name = emitter.nameIn(dy, pictureLayout(dy.shape));
  return emitter.once(`bilinear-gradient:${name}:${plan.key}`, () =>
    toTiles(emitter, name, plan, transformsOf(plan).outputGradient, 'backward'),
  );
}

/** y = A ((G w) ⊙ (B x)), in the layout of pictures. */
export function bilinearConv(
  emitter: Emitter,
  x: Value,
  weights: Value,
  y: Value,
  geometry: ConvGeometry,
  bias?: Value,
): void {
  const plan = planOf(x.shape, weights.shape, y.shape, geometry);
  const products = emitter.node('MatMul', [inputTiles(emitter, x, plan), weightTiles(emitter, weights, plan)]);
  const { h, w, o } = plan.y;
  const out = fromTiles(emitter, products, plan, transformsOf(plan).output, 'forward');
  const shape = emitter.ints([h, w, plan.x.n, o]);
  const outputs = [emitter.nameIn(y, pictureLayout(y.shape))];
  if (bias === undefined) {
    emitter.node('Reshape', [out, shape], { outputs });
  } else {
    emitter.node('Add', [emitter.node('Reshape', [out, shape]), emitter.nameOf(bias)], { outputs });
  }
}

/** dx = Bᵀ ((G w)ᵀ Aᵀ dy), in the layout of pictures. */
export function bilinearInputGradient(
  emitter: Emitter,
  dy: Value,
  weights: Value,
  dx: Value,
  geometry: ConvGeometry,
): void {
  const plan = planOf(dx.shape, weights.shape, dy.shape, geometry);
  const { h, w, n, c } = plan.x;
  const products = emitter.node(
    'FusedMatMul',
    [outputGradientTiles(emitter, dy, plan), weightTiles(emitter, weights, plan)],
    {
      attributes: { transB: 1 },
      domain: 'com.microsoft',
    },
  );
  const out = fromTiles(emitter, products, plan, transformsOf(plan).inputGradient, 'backward');
  const outputs = [emitter.nameIn(dx, pictureLayout(dx.shape))];
  emitter.node('Reshape', [out, emitter.ints([h, w, n, c])], { outputs });
}

/** dw = Gᵀ ((B x)ᵀ Aᵀ dy), in layout [kh, kw, c, o]. The sum over the products of a pair of points happens in the product with Gᵀ. */
export function bilinearWeightGradient(emitter: Emitter, x: Value, dy: Value, dw: Value, geometry: ConvGeometry): void {
  const plan = planOf(x.shape, dw.shape, dy.shape, geometry);
  const { rows, columns, kernel } = plan;
  const [kh, kw] = kernel;
  const products = emitter.node('FusedMatMul', [inputTiles(emitter, x, plan), outputGradientTiles(emitter, dy, plan)], {
    attributes: { transA: 1 },
    domain: 'com.microsoft',
  });
  const rest = plan.x.c * plan.y.o;
  const summed = productsPerPair(plan) * rows.points;
  const summedG = Float32Array.from({ length: kh * summed }, (_, i) => {
    const [k, line] = [Math.floor(i / summed), i % summed];
    return rows.g[(line % rows.points) * kh + k];
  });
  const out = alongBoth(
    emitter,
    products,
    [summed, columns.points, rest],
    { data: summedG, rows: kh },
    { data: transposed(columns.g, columns.points, kw), rows: kw },
    'backward',
  );
  emitter.node('Reshape', [out, emitter.ints([kh, kw, plan.x.c, plan.y.o])], { outputs: [emitter.nameIn(dw, 'hwio')] });
}
