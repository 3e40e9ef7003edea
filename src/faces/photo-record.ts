// What is kept of each photo between runs: what it was, what came of it, and how a later run tells that it is still the same.
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpenedSource } from '../images/source.js';
import type { QuarterTurn } from './turn.js';

/** A photo in the journal. */
export interface PhotoRecord {
  readonly file: string;
  /** Absent where the source is no folder, so that only the content tells. */
  readonly stamp?: Stamp;
  /** Of the encoded photo; absent when it could not be read. */
  readonly digest?: string;
  /** Of the detection that it was aligned by, where that was given. */
  readonly detection?: string;
  /** Number of faces; −1: unreadable. */
  readonly faces: number;
  readonly rotation?: QuarterTurn;
  /** The file is truncated or damaged; the faces are in what is there of it. */
  readonly damaged?: true;
  readonly crops: readonly { readonly name: string; readonly bytes: number }[];
  readonly error?: string;
  /** It took longer than this many seconds; a run with more time tries again. */
  readonly late?: number;
  /** The process that worked on it ended; the next run tries again. */
  readonly died?: true;
}

/** Size in bytes, and the times of the last change of content and of status (milliseconds): equal ones, equal file. */
export type Stamp = readonly [size: number, modified: number, changed: number];

/** The stamp of a photo that is a file of its own. */
export async function stampOf({ kind, root, entries }: OpenedSource, index: number): Promise<Stamp | undefined> {
  if (root === undefined || kind === 'zip') return undefined;
  const found = await stat(join(root, entries[index].file)).catch(() => undefined);
  return found?.isFile() === true ? [found.size, found.mtimeMs, found.ctimeMs] : undefined;
}

export function sameStamp(a: Stamp | undefined, b: Stamp | undefined): boolean {
  return a !== undefined && b !== undefined && a.every((value, i) => value === b[i]);
}

export function digestOf(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('base64url');
}

/** Of what was made of which content: not of when, and not of why a photo gave nothing. */
export function digestOfRecords(records: readonly PhotoRecord[]): string {
  return digestOf(JSON.stringify(records.map(({ file, digest, crops }) => [file, digest ?? null, crops])));
}
