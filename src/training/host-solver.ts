// What solvers have in common whose state is in this process's memory.
import { type BatchImages, PackedImages } from './batch-images.js';
import type { ParameterStore } from './parameter-store.js';
import type { SolverOptions } from './solver.js';
import type { StepShare } from './step-share.js';

export abstract class HostSolver {
  protected constructor(
    protected readonly options: SolverOptions,
    readonly share: StepShare,
    protected readonly store: ParameterStore,
  ) {}

  newImages(): BatchImages {
    return new PackedImages(this.options.recipe.input, this.share.images);
  }

  state(): Promise<ParameterStore> {
    return Promise.resolve(this.store);
  }

  changeState(change: (store: ParameterStore) => void): Promise<void> {
    change(this.store);
    return Promise.resolve();
  }
}
