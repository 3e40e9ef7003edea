// The layer's promise: what it exports needs neither Node nor a native module, nor anything that makes embeddings.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Every module that is reached from `entry` by imports that remain after compilation: own files and packages. */
function reached(entry: URL): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (url: URL): void => {
    if (files.has(url.pathname)) return;
    files.add(url.pathname);
    const imports = /^(?:import|export)\s+(?!type\b)(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
    for (const [, specifier] of readFileSync(url, 'utf8').matchAll(imports)) {
      if (specifier.startsWith('.')) visit(new URL(specifier.replace(/\.js$/, '.ts'), url));
      else packages.add(specifier);
    }
  };
  visit(entry);
  return { files, packages };
}

describe('the evaluation layer', () => {
  it('needs nothing from Node', () => {
    const { files, packages } = reached(new URL('./index.ts', import.meta.url));
    expect(files.size).toBeGreaterThan(15);
    expect([...packages].filter((name) => !name.startsWith('echarts'))).toEqual([]);
  });

  it('has metrics that need no package at all, and knows no models', () => {
    const { packages } = reached(new URL('./metrics/index.ts', import.meta.url));
    expect([...packages]).toEqual([]);
    const { files } = reached(new URL('./index.ts', import.meta.url));
    expect([...files].filter((file) => /\/src\/(?!evaluation\/|common\/|images\/finder\.ts)/.test(file))).toEqual([]);
  });
});
