// For tests: folders served over HTTP as any static server does it, and a headless Chromium to open them in.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const browserPath = '/usr/bin/chromium';

export const browserThere = existsSync(browserPath);

/** Title suffix of a suite that needs a browser, which says why it is skipped. */
export const browserTitle = browserThere ? 'in Chromium' : `in Chromium (skipped: no ${browserPath})`;

export function launchBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
  return chromium.launch({ executablePath: browserPath, args });
}

/** The types that browsers insist on for modules and streamed WebAssembly. */
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
};

/** A running server. */
export interface Served extends AsyncDisposable {
  /** Its address, ending in a slash. */
  readonly address: string;
  /** Every request's path so far. */
  readonly requests: readonly string[];
}

/** Serves folders by the paths that they are mounted at: `{ '/some/path/': folder }`. */
export async function serve(mounts: Readonly<Record<string, string>>): Promise<Served> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    requests.push(pathname);
    const mount = Object.keys(mounts).find((prefix) => pathname.startsWith(prefix));
    const inside = normalize(decodeURIComponent(pathname.slice(mount?.length ?? 0))) || '.';
    const name = inside === '.' ? 'index.html' : inside;
    if (mount === undefined || name.startsWith('..')) {
      response.writeHead(404).end();
      return;
    }
    readFile(join(mounts[mount], name)).then(
      (bytes) => response.setHeader('content-type', types[extname(name)] ?? 'application/octet-stream').end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
