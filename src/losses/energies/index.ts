// The energies by their form.
import type { z } from 'zod';
import { Registry } from '../../common/registry.js';
import { energyKind } from './energy.js';
import * as list from './list.js';

type BuiltInEnergy = (typeof list)[keyof typeof list];

/** The options of the energies of this package, as people write them and as they are read. */
export type EnergyOptionsInput = z.input<BuiltInEnergy['schema']>;
export type EnergyOptions = z.output<BuiltInEnergy['schema']>;

/** The energies of this package. */
export const energies = new Registry(energyKind, Object.values(list));
