// Fetching a file of known bounds from the network: no more bytes and no more time than were allowed.

/** How far a download may go. */
export interface DownloadLimits {
  /** Largest body that is read. */
  readonly maxBytes: number;
  /** Time for the whole download, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * The body at an address.
 * @throws Error on an answer other than success, on a body above `maxBytes` (it is not read to its end), and after `timeoutMs`.
 */
export async function download(address: URL | string, { maxBytes, timeoutMs }: DownloadLimits): Promise<Uint8Array> {
  const response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs) }).catch((error: unknown) => {
    // fetch says "fetch failed"; what failed is in the cause.
    throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
  });
  if (!response.ok) throw new Error(`HTTP ${response.status} for ${String(address)}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) throw new Error(`more than ${maxBytes} bytes at ${String(address)}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
