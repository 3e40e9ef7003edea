// Margins, energies and backbones besides those of this package, and which of all a recipe names.
import { backbones, type BackboneDescriptor } from '../nn/index.js';
import { energies, type EnergyDescriptor, type MarginDescriptor, margins } from '../losses/index.js';

/** Descriptors of your own. A recipe names them by their type, as it names those of this package. */
export interface Extensions {
  readonly margins?: readonly MarginDescriptor[];
  readonly energies?: readonly EnergyDescriptor[];
  readonly backbones?: readonly BackboneDescriptor[];
  /** The backbone of the recipe where its network lies in a file: opened. `startRun` and `resumeRun` see to it themselves. */
  readonly network?: BackboneDescriptor;
}

/** All descriptors that there are to choose from. */
export function registriesOf(extensions: Extensions) {
  return {
    margins: margins.with(extensions.margins),
    energies: energies.with(extensions.energies),
    backbones: backbones.with(extensions.backbones),
  };
}

/** What a recipe is made of. */
export interface Components {
  readonly margin: MarginDescriptor;
  readonly energy: EnergyDescriptor | undefined;
  readonly backbone: BackboneDescriptor;
}

/** What of a recipe names them. */
interface Named {
  readonly network: { readonly type: string };
  readonly loss: { readonly margin: { readonly type: string }; readonly energy: { readonly form: string } | null };
}

/** @throws SphereFaceError when the recipe names a type that there is not. */
export function componentsOf({ loss, network }: Named, extensions: Extensions = {}): Components {
  const registries = registriesOf(extensions);
  return {
    margin: registries.margins.of(loss.margin.type),
    energy: loss.energy === null ? undefined : registries.energies.of(loss.energy.form),
    backbone: extensions.network?.type === network.type ? extensions.network : registries.backbones.of(network.type),
  };
}
