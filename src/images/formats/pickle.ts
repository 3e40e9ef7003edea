// The part of Python's pickle format that verification sets (`lfw.bin`, …) are made of: byte strings, truth values, numbers,
// lists and tuples. Nothing that could name or run code is understood, and every other opcode is refused. Python 3 writes byte strings of
// protocol 2 as calls of `_codecs.encode(text, 'latin1')`: that one form is read as the bytes that it stands for; nothing is called.
import { SphereFaceError } from '../../common/errors.js';

/** A value of a verification set's pickle. */
export type PickleValue = Uint8Array | boolean | number | string | symbol | PickleValue[];

/** What stands for the two functions that a byte string may be written with, by their names in a pickle. */
const makersOfBytes: ReadonlyMap<string, symbol> = new Map([
  ['_codecs encode', Symbol('_codecs.encode')],
  ['__builtin__ bytes', Symbol('bytes')],
]);

/** A pickle that is damaged or holds more than plain data. */
export class PickleError extends SphereFaceError {}

/** The most values a pickle may hold, a bound on memory: the largest sets hold some 30,000. */
const maxValues = 2 ** 22;

/** Opcodes by their names in Python's pickletools. */
const op = {
  MARK: 0x28,
  EMPTY_TUPLE: 0x29,
  STOP: 0x2e,
  BINBYTES: 0x42,
  SHORT_BINBYTES: 0x43,
  BININT: 0x4a,
  BININT1: 0x4b,
  BININT2: 0x4d,
  BINSTRING: 0x54,
  SHORT_BINSTRING: 0x55,
  REDUCE: 0x52,
  BINUNICODE: 0x58,
  EMPTY_LIST: 0x5d,
  APPEND: 0x61,
  GLOBAL: 0x63,
  APPENDS: 0x65,
  BINGET: 0x68,
  LONG_BINGET: 0x6a,
  BINPUT: 0x71,
  LONG_BINPUT: 0x72,
  TUPLE: 0x74,
  PROTO: 0x80,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  TUPLE3: 0x87,
  NEWTRUE: 0x88,
  NEWFALSE: 0x89,
  BINBYTES8: 0x8e,
  MEMOIZE: 0x94,
  FRAME: 0x95,
} as const;

/** What the opcodes that are refused would do, for the error. */
const refused: Readonly<Record<number, string>> = {
  [op.GLOBAL]: 'GLOBAL: it names a Python object to load',
  0x93: 'STACK_GLOBAL: it names a Python object to load',
  0x69: 'INST: it makes a Python object',
  0x6f: 'OBJ: it makes a Python object',
  [op.REDUCE]: 'REDUCE: it calls a Python function',
  0x81: 'NEWOBJ: it makes a Python object',
  0x92: 'NEWOBJ_EX: it makes a Python object',
  0x62: 'BUILD: it sets a Python object up',
  0x50: 'PERSID: it refers to an object outside',
  0x51: 'BINPERSID: it refers to an object outside',
  0x82: 'EXT1: it refers to a registered object',
  0x83: 'EXT2: it refers to a registered object',
  0x84: 'EXT4: it refers to a registered object',
};

/**
 * Reads a pickle of plain data. Byte strings are views of `bytes`.
 * @throws PickleError for a damaged pickle and for every opcode that such files do not use.
 */
export function readPickle(bytes: Uint8Array, name: string): PickleValue {
  if (bytes[0] !== op.PROTO) {
    throw new PickleError(`${name} is no verification set.`, {
      got: bytes.length === 0 ? 'an empty file' : 'a file that does not begin as a pickle',
      expected: 'a pickle of protocol 2 to 5, as lfw.bin is',
      next: 'copy or download the file again',
    });
  }
  return new Machine(bytes, name).run();
}

class Machine {
  private readonly view: DataView;
  private position = 0;
  private values = 0;
  private readonly stack: PickleValue[] = [];
  /** Heights of the stack at the open marks. */
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();

  constructor(
    private readonly bytes: Uint8Array,
    private readonly name: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): PickleValue {
    for (;;) {
      const at = this.position;
      const code = this.unsigned(1);
      if (code === op.STOP) {
        const result = this.pop();
        if (this.stack.length > 0) throw this.wrong(`${this.stack.length} values left over at the end`);
        return result;
      }
      this.step(code, at);
    }
  }

  private step(code: number, at: number): void {
    switch (code) {
      case op.PROTO: {
        const version = this.unsigned(1);
        if (version > 5) throw this.wrong(`protocol ${version}`, 'protocol 5 at most');
        break;
      }
      case op.FRAME:
        this.unsigned8();
        break;
      case op.MARK:
        this.marks.push(this.stack.length);
        break;
      case op.EMPTY_LIST:
      case op.EMPTY_TUPLE:
        this.push([]);
        break;
      case op.APPEND:
        this.extend([this.pop()]);
        break;
      case op.APPENDS:
        this.extend(this.popToMark());
        break;
      case op.TUPLE:
        this.push(this.popToMark());
        break;
      case op.TUPLE1:
      case op.TUPLE2:
      case op.TUPLE3: {
        const items = Array.from({ length: code - op.TUPLE1 + 1 }, () => this.pop());
        this.push(items.reverse());
        break;
      }
      case op.NEWTRUE:
        this.push(true);
        break;
      case op.NEWFALSE:
        this.push(false);
        break;
      case op.BININT:
        this.push(this.unsigned(4) | 0);
        break;
      case op.BININT1:
        this.push(this.unsigned(1));
        break;
      case op.BININT2:
        this.push(this.unsigned(2));
        break;
      case op.SHORT_BINSTRING:
      case op.SHORT_BINBYTES:
        this.push(this.take(this.unsigned(1)));
        break;
      case op.BINSTRING:
      case op.BINBYTES:
        this.push(this.take(this.unsigned(4)));
        break;
      case op.BINBYTES8:
        this.push(this.take(this.unsigned8()));
        break;
      case op.BINUNICODE:
        this.push(this.text(this.unsigned(4)));
        break;
      case op.GLOBAL: {
        const maker = makersOfBytes.get(`${this.line()} ${this.line()}`);
        if (maker === undefined) throw this.refusal(code, at);
        this.push(maker);
        break;
      }
      case op.REDUCE: {
        const bytes = this.bytesMadeOf(this.pop(), this.pop());
        if (bytes === undefined) throw this.refusal(code, at);
        this.push(bytes);
        break;
      }
      case op.BINPUT:
        this.memo.set(this.unsigned(1), this.top());
        break;
      case op.LONG_BINPUT:
        this.memo.set(this.unsigned(4), this.top());
        break;
      case op.MEMOIZE:
        this.memo.set(this.memo.size, this.top());
        break;
      case op.BINGET:
        this.push(this.remembered(this.unsigned(1)));
        break;
      case op.LONG_BINGET:
        this.push(this.remembered(this.unsigned(4)));
        break;
      default:
        throw this.refusal(code, at);
    }
  }

  /** The byte string that a call stands for; `undefined` for a call of any other form. */
  private bytesMadeOf(given: PickleValue, maker: PickleValue): Uint8Array | undefined {
    if (!Array.isArray(given)) return undefined;
    if (maker === makersOfBytes.get('__builtin__ bytes')) return given.length === 0 ? new Uint8Array() : undefined;
    const [text, encoding] = given;
    if (maker !== makersOfBytes.get('_codecs encode') || given.length !== 2) return undefined;
    if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1')) return undefined;
    return /[^\0-\u00ff]/.test(text) ? undefined : Buffer.from(text, 'latin1');
  }

  private text(length: number): string {
    return Buffer.from(this.take(length)).toString('utf8');
  }

  /** Up to the end of the line, which is left out; a name has a few dozen characters. */
  private line(): string {
    const end = this.bytes.subarray(this.position, this.position + 100).indexOf(0x0a);
    if (end < 0) throw this.wrong('a name without an end');
    const text = this.text(end);
    this.advance(1);
    return text;
  }

  private refusal(code: number, at: number): PickleError {
    const what = refused[code] ?? `opcode 0x${code.toString(16).padStart(2, '0')}`;
    return new PickleError(`${this.name} is refused: it holds more than images and truth values.`, {
      got: `${what}, at byte ${at}`,
      expected: 'byte strings, truth values, numbers, lists and tuples',
      next: 'use the set as it is published, or write it anew with JPEG bytes and Python bools (not NumPy values)',
    });
  }

  private push(value: PickleValue): void {
    if (++this.values > maxValues) throw this.wrong(`more than ${maxValues} values`);
    this.stack.push(value);
  }

  private pop(): PickleValue {
    const floor = this.marks.at(-1) ?? 0;
    if (this.stack.length <= floor) throw this.wrong('a value taken from an empty stack');
    return this.stack.pop() as PickleValue;
  }

  private top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined) throw this.wrong('a value looked for on an empty stack');
    return value;
  }

  private popToMark(): PickleValue[] {
    const mark = this.marks.pop();
    if (mark === undefined) throw this.wrong('a mark that is not there');
    return this.stack.splice(mark);
  }

  private extend(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.wrong('items for something that is no list');
    for (const item of items) list.push(item);
  }

  private remembered(key: number): PickleValue {
    const value = this.memo.get(key);
    if (value === undefined) throw this.wrong(`a reference to ${key}, which was not stored`);
    return value;
  }

  private unsigned(length: 1 | 2 | 4): number {
    const start = this.position;
    this.advance(length);
    switch (length) {
      case 1:
        return this.view.getUint8(start);
      case 2:
        return this.view.getUint16(start, true);
      case 4:
        return this.view.getUint32(start, true);
    }
  }

  private unsigned8(): number {
    const start = this.position;
    this.advance(8);
    return Number(this.view.getBigUint64(start, true));
  }

  private take(length: number): Uint8Array {
    const start = this.position;
    this.advance(length);
    return this.bytes.subarray(start, start + length);
  }

  private advance(length: number): void {
    if (length > this.bytes.length - this.position) throw this.wrong('the end of the file inside a value');
    this.position += length;
  }

  private wrong(got: string, expected?: string): PickleError {
    return new PickleError(`${this.name} is damaged at byte ${this.position}.`, {
      got,
      ...(expected === undefined ? {} : { expected }),
      next: 'copy or download the file again',
    });
  }
}
