// Options that several margins have.
import { z } from 'zod';

export const featureScale = z.number().positive().describe('s, the length that features are given.');
