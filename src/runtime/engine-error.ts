// The error when the engine is missing or its native part does not load: what to install, and where it runs at all.
import { messageOf, SphereFaceError } from '../common/errors.js';

/** Where onnxruntime-node 1.30 has a native part for, by `process.platform` and `process.arch`. */
const enginePlatforms = ['linux/x64', 'linux/arm64', 'darwin/arm64', 'win32/x64', 'win32/arm64'];

/** onnxruntime-node cannot be loaded: it is not installed, or its native part is missing or does not fit the system. */
export class EngineError extends SphereFaceError {
  /** @param platform `process.platform` and `process.arch` with a slash between: `linux/x64` */
  constructor(cause: unknown, platform: string) {
    super('The engine, onnxruntime-node, cannot be loaded.', {
      got: `${messageOf(cause).split('\n')[0]!} (on ${platform})`,
      expected: `an installed onnxruntime-node, on one of ${enginePlatforms.join(', ')}; on Linux with glibc 2.28 or later (musl, as in Alpine, will not do)`,
      next: adviceFor(cause, platform),
      cause,
    });
  }
}

function adviceFor(cause: unknown, platform: string): string {
  if (!enginePlatforms.includes(platform)) return 'use one of these systems: there is no engine for this one';
  if ((cause as { code?: unknown } | null)?.code === 'ERR_DLOPEN_FAILED') {
    return 'install what the message names (on Windows, the Visual C++ runtime), or use a system with a newer C library';
  }
  return 'install again without the CUDA files that its install script fetches: ONNXRUNTIME_NODE_INSTALL=skip npm install (README.md, "Install")';
}
