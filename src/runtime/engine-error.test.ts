// The advice when the engine does not load; that the error reaches a user is tested on the installed package (package.test.ts).
import { describe, expect, it } from 'vitest';
import { EngineError } from './engine-error.js';

const failure = (message: string, code: string) => Object.assign(new Error(message), { code });

describe('EngineError', () => {
  it('says how to install an engine that is missing', () => {
    const error = new EngineError(
      failure("Cannot find package 'onnxruntime-node'\nstack", 'ERR_MODULE_NOT_FOUND'),
      'linux/x64',
    );
    expect(error.parts.got).toBe("Cannot find package 'onnxruntime-node' (on linux/x64)");
    expect(error.parts.next).toMatch(/ONNXRUNTIME_NODE_INSTALL=skip npm install/);
  });

  it('says that there is none for an Intel Mac', () => {
    const missing = failure(
      "Cannot find module '../bin/napi-v6/darwin/x64/onnxruntime_binding.node'",
      'MODULE_NOT_FOUND',
    );
    const error = new EngineError(missing, 'darwin/x64');
    expect(error.parts.next).toMatch(/no engine for this one/);
    expect(error.parts.expected).toMatch(/darwin\/arm64/);
  });

  it('speaks of the system where the native part does not fit it', () => {
    const error = new EngineError(failure("version `GLIBC_2.28' not found", 'ERR_DLOPEN_FAILED'), 'linux/arm64');
    expect(error.parts.next).toMatch(/newer C library/);
    expect(error.message).toMatch(/glibc 2\.28/);
  });
});
