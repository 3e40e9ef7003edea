// A second, independent writer of zip files for tests: it writes what it is told, also names and sizes no good writer would.
import { crc32, deflateRawSync } from 'node:zlib';

/** One entry to write. */
export interface ZipPart {
  /** As bytes: of an encoding that the zip does not state. */
  readonly name: string | Uint8Array;
  readonly data: Uint8Array;
  readonly deflate?: boolean;
  /** Stated instead of the true checksum. */
  readonly crc?: number;
  /** Stated instead of the true size. */
  readonly size?: number;
  /** Stated instead of the true compression method. */
  readonly method?: number;
  /** Unix mode; 0o120777 makes a symbolic link. */
  readonly mode?: number;
  /** Bytes of extra field in the local header. */
  readonly extra?: number;
}

/** The bytes of a zip file with these entries. */
export function writeZip(parts: readonly ZipPart[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const part of parts) {
    const name = Buffer.from(part.name);
    const body = part.deflate === true ? deflateRawSync(part.data) : Buffer.from(part.data);
    const method = part.method ?? (part.deflate === true ? 8 : 0);
    const extra = part.extra ?? 0;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(typeof part.name === 'string' ? 0x800 : 0, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(part.crc ?? crc32(part.data), 10);
    common.writeUInt32LE(body.length, 14);
    common.writeUInt32LE(part.size ?? part.data.length, 18);
    common.writeUInt16LE(name.length, 22);

    const localCommon = Buffer.from(common);
    localCommon.writeUInt16LE(extra, 24);
    const padding = Buffer.alloc(extra);
    if (extra >= 4) {
      padding.writeUInt16LE(0xcafe, 0);
      padding.writeUInt16LE(extra - 4, 2);
    }
    const head = Buffer.concat([Buffer.from('504b0304', 'hex'), localCommon, name, padding]);
    local.push(head, body);

    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(((part.mode ?? 0o100644) << 16) >>> 0, 6);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.from('504b01021403', 'hex'), common, tail, name);
    offset += head.length + body.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('504b0506', 'hex');
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}
