// Decoders that are WebAssembly modules: loaded at the first image of their kind, and made anew after a crash inside.
import { SphereFaceError, messageOf } from '../../common/errors.js';
import { ImageDecodeError } from '../decode-error.js';

/** A WebAssembly module that decodes. */
export interface ImageModule<M> {
  /**
   * Runs `work` with the module.
   * @param broken thrown when the module itself fails, as it does when it runs out of memory or finds no way on
   */
  use<T>(broken: ImageDecodeError, work: (module: M) => T): Promise<T>;
}

/** A module that is loaded by `load` when it is needed. */
export function openImageModule<M>(load: () => Promise<M>): ImageModule<M> {
  let loaded: Promise<M> | undefined;
  return {
    use: async (broken, work) => {
      loaded ??= load();
      const module = await loaded.catch((cause: unknown) => {
        loaded = undefined;
        throw new SphereFaceError('A decoder of images cannot be loaded.', {
          got: messageOf(cause),
          next: 'install the package again: npm install sphereface-plus',
          cause,
        });
      });
      try {
        return work(module);
      } catch (error) {
        if (error instanceof ImageDecodeError) throw error;
        // After a trap the module's memory is in no known state.
        loaded = undefined;
        throw broken;
      }
    },
  };
}
