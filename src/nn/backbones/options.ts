// Options that several backbones have.
import { z } from 'zod';
import { defaultStatisticsMomentum } from '../layers.js';

/** Of batch normalisation. */
export const statisticsMomentum = z
  .number()
  .positive()
  .max(1)
  .default(defaultStatisticsMomentum)
  .describe("How far each pass moves the running mean and variance of batch normalisation towards its batch's.");
