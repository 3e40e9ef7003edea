// Pickled verification sets: the forms that Python 2 and 3 write, refusal of all that names or runs code, and any damage.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzzRuns } from '../../testing/fuzz.js';
import { pickleForms, writeVerificationSet } from '../../testing/pickle-writer.js';
import { pythonHas, runPython } from '../../testing/python.js';
import { SphereFaceError } from '../../common/errors.js';
import { PickleError, readPickle } from './pickle.js';
import { openVerificationSet, parseVerificationSet } from './verification-set.js';

const images = Array.from({ length: 2400 }, (_, index) => Buffer.alloc((index * 37) % 700, index % 256));
const flags = Array.from({ length: 1200 }, (_, index) => index % 3 === 0);

describe('openVerificationSet', () => {
  it.each(pickleForms)('reads a set written as %s', async (form) => {
    const folder = await mkdtemp(join(tmpdir(), 'sphereface-bin-'));
    const path = join(folder, 'lfw.bin');
    await writeFile(path, writeVerificationSet(images, flags, form));
    const source = await openVerificationSet(path);
    const { pairs } = source;
    expect(pairs.map(({ same }) => same)).toEqual(flags);
    expect(pairs[7]).toEqual({ a: '00014.jpg', b: '00015.jpg', same: false });
    expect(source.entries[14].file).toBe('00014.jpg');
    for (const [index, image] of images.entries()) {
      expect(Buffer.from(await source.read(index)).equals(image)).toBe(true);
    }
    await rm(folder, { recursive: true });
  });

  it.each([
    ['flags for half the images', [images.slice(0, 6), flags.slice(0, 2)] as const],
    ['no list', [[], [true]] as const],
  ])('refuses %s', (_, [some, few]) => {
    expect(() => parseVerificationSet(writeVerificationSet(some, few, 'python2'), 'x.bin')).toThrow(
      /no verification set[^]*2n encoded images/,
    );
  });

  it('refuses everything that names or runs code', () => {
    const attacks: Record<string, string> = {
      // cos\nsystem\n(S'true'\ntR.
      'os.system by GLOBAL': `80025d710063${Buffer.from('os\nsystem\n').toString('hex')}2e`,
      STACK_GLOBAL: '80048c026f738c0673797374656d932e',
      REDUCE: '80025d5d522e',
      BUILD: '80025d5d622e',
      NEWOBJ: '80025d5d812e',
      INST: `80022869${Buffer.from('os\nsystem\n').toString('hex')}2e`,
      PERSID: '80025031320a2e',
      BINPERSID: '80025d512e',
      'extension registry': '8002820100002e',
    };
    for (const [name, hex] of Object.entries(attacks)) {
      expect(() => readPickle(Buffer.from(hex, 'hex'), name), name).toThrow(/refused/);
    }
  });

  it('takes no call but that of a byte string, with what it is written with', () => {
    const call = (name: string, ...given: string[]): Uint8Array => {
      const texts = given.map((text) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(Buffer.byteLength(text));
        return Buffer.concat([Buffer.from('X'), length, Buffer.from(text)]);
      });
      return Buffer.concat([Buffer.from([0x80, 2]), Buffer.from(`c${name}\n(`), ...texts, Buffer.from('tR.')]);
    };
    expect(readPickle(call('_codecs\nencode', '\xff\0a', 'latin1'), 'x')).toEqual(Buffer.from([0xff, 0, 0x61]));
    expect(readPickle(call('__builtin__\nbytes'), 'x')).toEqual(new Uint8Array());
    for (const other of [
      call('_codecs\nencode', 'ff', 'hex'),
      call('_codecs\nencode', '\u0416', 'latin1'),
      call('_codecs\nencode', 'a', 'latin1', 'ignore'),
      call('_codecs\ndecode', 'a', 'latin1'),
      call('__builtin__\nbytes', 'a'),
      call('__builtin__\neval', 'a'),
      call('os\nsystem', 'true'),
    ]) {
      expect(() => readPickle(other, 'x')).toThrow(/is refused/);
    }
    // Without the call a function is no image.
    const bare = Buffer.from('8002635f636f646563730a656e636f64650a5d862e', 'hex');
    expect(() => parseVerificationSet(bare, 'x.bin')).toThrow(/no verification set/);
  });

  it('says of a file that is empty or something else that it is no set', () => {
    expect(() => readPickle(new Uint8Array(), 'x.bin')).toThrow(/x\.bin is no verification set[^]*an empty file/);
    expect(() => readPickle(Buffer.from('noise'), 'x.bin')).toThrow(/does not begin as a pickle[^]*protocol 2 to 5/);
  });

  it('refuses every opcode beyond the few that it knows', () => {
    const known = new Set(Buffer.from('28292e42434a4b4d52545558' + '5d616365686a7172748085868788898e9495', 'hex'));
    for (let code = 0; code < 256; code++) {
      if (known.has(code)) continue;
      expect(() => readPickle(Buffer.from([0x80, 2, 0x5d, code, 0, 0, 0, 0, 0, 0, 0, 0, 0x2e]), 'x')).toThrow(
        /is refused/,
      );
    }
  });

  it('says what NumPy values need', () => {
    const numpy = Buffer.concat([Buffer.from([0x80, 2, 0x63]), Buffer.from('numpy.core.multiarray\nscalar\n')]);
    expect(() => readPickle(numpy, 'x.bin')).toThrow(/not NumPy values/);
  });

  it('survives any bytes and any damage', () => {
    const whole = writeVerificationSet(images.slice(0, 6), flags.slice(0, 3), 'python2');
    const fuzz = (bytes: Uint8Array): void => {
      try {
        parseVerificationSet(bytes, 'x.bin');
      } catch (error) {
        expect(error).toBeInstanceOf(SphereFaceError);
      }
    };
    const opcodes = [...Buffer.from('28292e42434a4b4d54555d6165686a7172748085868788898e9495', 'hex')];
    const program = fc.array(fc.oneof(fc.constantFrom(...opcodes), fc.nat(255)), { maxLength: 60 });
    fc.assert(
      fc.property(program, (bytes) => fuzz(Uint8Array.from(bytes))),
      { numRuns: fuzzRuns(5000) },
    );
    const edits = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(edits, fc.nat(whole.length), (changes, length) => {
        const damaged = Buffer.from(whole);
        for (const [position, value] of changes) damaged[position] = value;
        fuzz(damaged);
        fuzz(damaged.subarray(0, length));
      }),
      { numRuns: fuzzRuns(1000) },
    );
  });

  it('does not allocate what a length only claims', () => {
    const huge = Buffer.from('80028effffffffffffff7f2e', 'hex');
    expect(() => readPickle(huge, 'x')).toThrow(PickleError);
  });

  it.skipIf(!pythonHas('pickle')).each([2, 3, 4, 5])(
    "reads what Python's own pickle writes with protocol %i (skipped where Python is absent)",
    async (protocol) => {
      const { status, output } = runPython(
        `
import pickle, sys, base64
images = [bytes([i % 256]) * ((i * 37) % 700) for i in range(240)]
flags = [i % 3 == 0 for i in range(120)]
sys.stdout.write(base64.b64encode(pickle.dumps((images, flags), ${protocol})).decode())`,
        new Uint8Array(),
      );
      expect(status).toBe(0);
      const bytes = Buffer.from(output, 'base64');
      const source = parseVerificationSet(bytes, 'x.bin');
      const { pairs } = source;
      expect(pairs.map(({ same }) => same)).toEqual(flags.slice(0, 120));
      expect(source.entries).toHaveLength(240);
      for (const [index, image] of images.slice(0, 240).entries()) {
        expect(Buffer.from(await source.read(index)).equals(image)).toBe(true);
      }
    },
  );
});
