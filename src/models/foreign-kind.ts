// What lies at a path that is neither an ONNX nor a Caffe model, for the error that refuses it.
import { open } from 'node:fs/promises';
import { otherKind, otherKindBytes, type OtherKind } from '../graph/onnx/index.js';

/** What it is, by its first bytes and not its name; `undefined` where they do not tell, or cannot be had. */
export async function foreignKind(path: string): Promise<OtherKind | undefined> {
  const handle = await open(path, 'r').catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    if ((await handle.stat()).isDirectory()) {
      return { is: 'a folder', next: 'give the file in it that is the model; the model of a run needs no import' };
    }
    const { buffer, bytesRead } = await handle.read(new Uint8Array(otherKindBytes));
    return otherKind(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}
