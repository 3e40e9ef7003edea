// A margin, an energy and a backbone of a user's own: a file and a line each.
import type { Extensions } from '../../training/index.js';
import { orthogonality } from './orthogonality.js';
import { pointwise } from './pointwise.js';
import { risingMargin } from './rising-margin.js';

export const extensions: Extensions = {
  margins: [risingMargin],
  energies: [orthogonality],
  backbones: [pointwise],
};
