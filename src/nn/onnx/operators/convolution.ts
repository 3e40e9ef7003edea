// Conv and ConvTranspose over pictures [n, c, h, w], with any group, dilation, stride and padding.
import { add, conv2d, convInputGradient, type ConvGeometry, reshape, type Value } from '../../../graph/index.js';
import type { Call, Operator } from '../operand.js';

type Sides = readonly [number, number, number, number];

/** [vertical, horizontal] of an attribute; ones where it is absent. */
function pairOf(call: Call, name: string): readonly [number, number] {
  const [vertical = 1, horizontal = 1] = call.attributes.ints(name, []);
  return [vertical, horizontal];
}

/**
 * Zeros around a picture: top, left, bottom, right. `auto_pad` asks for as many as give ceil(input / stride) rows and columns,
 * an odd one at the far side (`SAME_UPPER`) or at the near one.
 */
export function paddingOf(
  call: Call,
  input: readonly number[],
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): Sides {
  const rule = call.attributes.text('auto_pad', 'NOTSET');
  switch (rule) {
    case 'NOTSET':
    case '': {
      const [top = 0, left = 0, bottom = 0, right = 0] = call.attributes.ints('pads', []);
      if ([top, left, bottom, right].some((side) => side < 0)) throw call.wrong('a negative padding', 'zeros to add');
      return [top, left, bottom, right];
    }
    case 'VALID':
      return [0, 0, 0, 0];
    case 'SAME_UPPER':
    case 'SAME_LOWER': {
      const sides = [0, 1].map((axis) => {
        const out = Math.ceil(input[axis] / stride[axis]);
        const total = Math.max((out - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1 - input[axis], 0);
        const less = Math.floor(total / 2);
        return rule === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
      });
      return [sides[0][0], sides[1][0], sides[0][1], sides[1][1]];
    }
    default:
      throw call.wrong(`auto_pad ${rule}`, 'NOTSET, VALID, SAME_UPPER or SAME_LOWER');
  }
}

function picture(call: Call): Value {
  const x = call.value(0);
  if (x.rank !== 4) throw call.wrong(`an input of rank ${x.rank}`, 'pictures [n, c, h, w]');
  return x;
}

function geometry(call: Call, x: Value, w: Value): ConvGeometry {
  const kernel = w.shape.slice(2);
  const [stride, dilation] = [pairOf(call, 'strides'), pairOf(call, 'dilations')];
  const padding = paddingOf(call, x.shape.slice(2), kernel, stride, dilation);
  return { stride, dilation, padding, groups: call.attributes.int('group', 1) };
}

export const conv: Operator = (call) => {
  const x = picture(call);
  const w = call.parameter(1, 'filters');
  const bias = call.has(2) ? call.parameter(2, 'bias') : undefined;
  return [conv2d(x, w, { ...geometry(call, x, w), ...(bias === undefined ? {} : { bias }) })];
};

/** The input gradient of a convolution is the transposed convolution: x [n, c, h, w], weights [c, out / groups, kh, kw]. */
export const convTranspose: Operator = (call) => {
  const x = picture(call);
  const w = call.parameter(1, 'filters');
  const rule = call.attributes.text('auto_pad', 'NOTSET');
  if (!['NOTSET', 'VALID', ''].includes(rule) || call.attributes.has('output_shape'))
    throw call.wrong('an output size by auto_pad or output_shape', 'explicit pads');
  const shaped = geometry(call, x, w);
  const { stride, dilation, padding, groups } = shaped;
  const extra = call.attributes.ints('output_padding', [0, 0]);
  const [, perGroup, ...kernel] = w.shape;
  const size = [0, 1].map((axis) => {
    const reach = (x.shape[axis + 2] - 1) * stride[axis] + dilation[axis] * (kernel[axis] - 1) + 1;
    return reach - padding[axis] - padding[axis + 2] + extra[axis];
  });
  const y = convInputGradient(x, w, [x.shape[0], perGroup * groups, ...size], shaped);
  return [call.has(2) ? add(y, reshape(call.parameter(2, 'bias'), [1, -1, 1, 1])) : y];
};
