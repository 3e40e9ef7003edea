// A second, independent writer of the pickles that verification sets are, in the forms that Python 2 and 3 give them.

/** How the set was written: by Python 2 with protocol 2 (the published sets), or by Python 3 with protocol 2, 3 or 4. */
export type PickleForm = 'python2' | 'python3-protocol2' | 'python3-protocol3' | 'python3-protocol4';

export const pickleForms: readonly PickleForm[] = [
  'python2',
  'python3-protocol2',
  'python3-protocol3',
  'python3-protocol4',
];

/** The pickle of `(images, flags)`. */
export function writeVerificationSet(
  images: readonly Uint8Array[],
  flags: readonly boolean[],
  form: PickleForm,
): Buffer {
  const framed = form === 'python3-protocol4';
  const protocol = { python2: 2, 'python3-protocol2': 2, 'python3-protocol3': 3, 'python3-protocol4': 4 }[form];
  let memo = 0;
  const remember = (): Buffer => {
    const key = memo++;
    if (framed) return Buffer.from([0x94]);
    if (key < 256) return Buffer.from([0x71, key]);
    return Buffer.concat([Buffer.from([0x72]), uint32(key)]);
  };
  /** A string of Unicode, as Python 3 gives a name and the characters of a byte string. */
  const unicode = (characters: string): Buffer => {
    const data = Buffer.from(characters, 'utf8');
    return Buffer.concat([Buffer.from([0x58]), uint32(data.length), data, remember()]);
  };
  const call = (name: string, given: Buffer): Buffer =>
    Buffer.concat([Buffer.from(`c${name}\n`), remember(), given, Buffer.from('R'), remember()]);
  const text = (data: Uint8Array): Buffer => {
    if (form === 'python3-protocol2') {
      if (data.length === 0) return call('__builtin__\nbytes', Buffer.from(')'));
      const characters = unicode(Buffer.from(data).toString('latin1'));
      const both = Buffer.concat([characters, unicode('latin1'), Buffer.from([0x86]), remember()]);
      return call('_codecs\nencode', both);
    }
    const [short, long] = form === 'python2' ? [0x55, 0x54] : [0x43, 0x42];
    const head =
      data.length < 256 ? Buffer.from([short, data.length]) : Buffer.concat([Buffer.from([long]), uint32(data.length)]);
    return Buffer.concat([head, data, remember()]);
  };
  const list = <T>(items: readonly T[], write: (item: T) => Buffer): Buffer => {
    const parts: Buffer[] = [Buffer.from([0x5d]), remember()];
    // Python appends in batches of a thousand; a batch of one has an opcode of its own.
    for (let start = 0; start < items.length; start += 1000) {
      const batch = items.slice(start, start + 1000);
      if (batch.length === 1) parts.push(write(batch[0]), Buffer.from([0x61]));
      else parts.push(Buffer.from([0x28]), ...batch.map(write), Buffer.from([0x65]));
    }
    return Buffer.concat(parts);
  };
  const flag = (value: boolean): Buffer => Buffer.from([value ? 0x88 : 0x89]);
  const body = Buffer.concat([
    list(images, text),
    list(flags, flag),
    Buffer.from([0x86]),
    remember(),
    Buffer.from([0x2e]),
  ]);
  const frame = framed ? Buffer.concat([Buffer.from([0x95]), uint64(body.length)]) : Buffer.alloc(0);
  return Buffer.concat([Buffer.from([0x80, protocol]), frame, body]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
