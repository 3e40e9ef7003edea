// Normalisations: by batch statistics, by layer, by instance, by group, and of rows to unit length.
import {
  abs,
  add,
  batchNormInference,
  batchNormTraining,
  div,
  maximum,
  mean,
  mul,
  reshape,
  shift,
  sqrt,
  square,
  sub,
  sum,
  type Value,
} from '../../../graph/index.js';
import { movedStatistics } from '../../layers.js';
import { axisOf } from '../known.js';
import type { Call, Operator } from '../operand.js';

/** x [n, c, …] seen as a picture, which the graph's batch normalisation takes. */
function asPicture(x: Value): Value {
  const [n, c, ...rest] = x.shape;
  return reshape(x, [n, c, rest.reduce((product, dim) => product * dim, 1), 1]);
}

/**
 * With `frozen` statistics the layer is what the exported model computes, in training too. With `update` it normalises by the batch
 * while training and moves its statistics towards the batch's by 1 − `momentum` of the node.
 */
export const batchNormalization: Operator = (call) => {
  const x = call.value(0);
  const [gamma, beta] = [call.parameter(1, 'scale'), call.parameter(2, 'offset')];
  const running = { mean: call.parameter(3, 'statistic'), variance: call.parameter(4, 'statistic') };
  const affine = { gamma, beta, epsilon: call.attributes.float('epsilon', 1e-5) };
  const picture = asPicture(x);
  const { net, batchNorm } = call.context;
  if (net.mode === 'inference' || batchNorm === 'frozen') {
    return [reshape(batchNormInference(picture, affine, running), x.shape)];
  }
  const batch = batchNormTraining(picture, affine);
  const share = 1 - call.attributes.float('momentum', 0.9);
  const moved = movedStatistics(running, batch, picture.size / picture.shape[1], share);
  [moved.mean, moved.variance].forEach((value, i) => {
    const operand = call.operand(3 + i);
    if (operand.kind === 'stored') net.statistics.set(operand.stored.name, value);
  });
  return [reshape(batch.y, x.shape)];
};

/** (x − mean) / sqrt(variance + epsilon) over axes. */
function standardised(x: Value, axes: readonly number[], epsilon: number): Value {
  const centred = sub(x, mean(x, { axes, keepDims: true }));
  return div(centred, sqrt(shift(mean(square(centred), { axes, keepDims: true }), epsilon)));
}

export const layerNormalization: Operator = (call) => {
  const x = call.value(0);
  const first = axisOf(call.attributes.int('axis', -1), x.rank);
  const axes = x.shape.map((_, axis) => axis).slice(first);
  const normal = mul(standardised(x, axes, call.attributes.float('epsilon', 1e-5)), call.parameter(1, 'scale'));
  return [call.has(2) ? add(normal, call.parameter(2, 'offset')) : normal];
};

/** gamma and beta [c] over x [n, c, …]. */
function perChannel(call: Call, normal: Value): Value {
  const shape = [-1, ...normal.shape.slice(2).map(() => 1)];
  const [gamma, beta] = [call.parameter(1, 'scale'), call.parameter(2, 'offset')];
  return add(mul(normal, reshape(gamma, shape)), reshape(beta, shape));
}

export const instanceNormalization: Operator = (call) => {
  const x = call.value(0);
  const axes = x.shape.map((_, axis) => axis).slice(2);
  return [perChannel(call, standardised(x, axes, call.attributes.float('epsilon', 1e-5)))];
};

export const groupNormalization: Operator = (call) => {
  const x = call.value(0);
  const [n, c] = x.shape;
  const groups = call.attributes.int('num_groups', 1);
  if (call.parameter(1, 'scale').size !== c) throw call.wrong('a scale per group', `a scale for each of ${c} channels`);
  const grouped = reshape(x, [n, groups, -1]);
  const normal = standardised(grouped, [2], call.attributes.float('epsilon', 1e-5));
  return [perChannel(call, reshape(normal, x.shape))];
};

/** Below this a row counts as zero. */
const smallest = 1e-12;

export const lpNormalization: Operator = (call) => {
  const x = call.value(0);
  const axes = [axisOf(call.attributes.int('axis', -1), x.rank)];
  const p = call.attributes.int('p', 2);
  if (p !== 1 && p !== 2) throw call.wrong(`p = ${p}`, '1 or 2');
  const length = p === 1 ? sum(abs(x), { axes, keepDims: true }) : lengthOf(x, axes, true);
  return [div(x, maximum(length, x.graph.scalar(smallest)))];
};

/** Euclidean length over axes; finite gradient at the origin. */
export function lengthOf(x: Value, axes: readonly number[], keepDims: boolean): Value {
  return sqrt(shift(sum(square(x), { axes, keepDims }), smallest * smallest));
}
