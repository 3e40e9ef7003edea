// LICENSES.md names every package that an install brings, under the licence it states.
import { describe, expect, it } from 'vitest';
import { licencesFile, listLicences } from '../tools/licences.js';

describe('LICENSES.md', () => {
  it('lists what package-lock.json holds (else: npm run licences)', async () => {
    const { text, expected } = await licencesFile();
    expect(text).toBe(expected);
  });
});

describe('listLicences', () => {
  const lock = (packages: object) => ({ packages: { '': {}, ...packages } });

  it('takes transitive and optional packages, and no development ones', () => {
    const list = listLicences(
      lock({
        'node_modules/b': { license: 'MIT' },
        'node_modules/b/node_modules/@s/a': { license: 'MIT', optional: true },
        'node_modules/c': { license: 'Apache-2.0' },
        'node_modules/d': { license: 'GPL-3.0', dev: true },
      }),
    );
    expect(list).toBe('- Apache-2.0: c\n- MIT: @s/a, b');
  });

  it('refuses a package without a licence', () => {
    expect(() => listLicences(lock({ 'node_modules/b': {} }))).toThrow('b states no licence');
  });
});
