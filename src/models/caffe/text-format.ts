// Protocol buffers' text format, the language of .prototxt files, into a plain tree.
import { SphereFaceError } from '../../common/errors.js';

/** A value: a number, a string, an enum's or truth value's name, or a message. */
export type TextValue = number | string | TextMessage;

/** The fields of a message: every field is a list, in the order of the file. */
export class TextMessage {
  private readonly fields = new Map<string, TextValue[]>();

  constructor(
    /** The line that it starts in, for errors. */
    readonly line: number,
  ) {}

  add(name: string, value: TextValue): void {
    const values = this.fields.get(name);
    if (values === undefined) this.fields.set(name, [value]);
    else values.push(value);
  }

  /** The names of the fields that are there. */
  names(): string[] {
    return [...this.fields.keys()];
  }

  messages(name: string): TextMessage[] {
    return this.all(name).filter((value) => value instanceof TextMessage);
  }

  message(name: string): TextMessage | undefined {
    return this.messages(name).at(-1);
  }

  strings(name: string): string[] {
    return this.all(name).filter((value) => typeof value === 'string');
  }

  numbers(name: string): number[] {
    return this.all(name).filter((value) => typeof value === 'number');
  }

  /** The last value of a field, as protocol buffers have it. */
  string(name: string): string | undefined {
    return this.strings(name).at(-1);
  }

  number(name: string): number | undefined {
    return this.numbers(name).at(-1);
  }

  /** A truth value: `true`, `false`, `1`, `0` or `t`, `f`. */
  truth(name: string): boolean | undefined {
    const value = this.all(name).at(-1);
    if (value === undefined) return undefined;
    return value === 'true' || value === 't' || value === 1;
  }

  private all(name: string): readonly TextValue[] {
    return this.fields.get(name) ?? [];
  }
}

/** Larger files are no network definitions. */
const maxLength = 2 ** 24;
const maxDepth = 32;

interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'mark' | 'end';
  readonly text: string;
  readonly line: number;
}

/**
 * Parses text format.
 * @throws SphereFaceError with the line, for anything that is not.
 */
export function parseTextFormat(text: string, file: string): TextMessage {
  if (text.length > maxLength) {
    throw new SphereFaceError(`${file} is too long for a network definition.`, { got: `${text.length} characters` });
  }
  const tokens = tokenize(text, file);
  let next = 0;
  const peek = (): Token => tokens[Math.min(next, tokens.length - 1)];
  const take = (): Token => {
    const token = peek();
    next++;
    return token;
  };
  const isMark = (mark: string): boolean => peek().kind === 'mark' && peek().text === mark;

  const scalar = (): TextValue => {
    const token = take();
    switch (token.kind) {
      case 'number':
        return Number(token.text);
      case 'name':
        return token.text;
      case 'string': {
        let value = token.text;
        while (peek().kind === 'string') value += take().text;
        return value;
      }
      default:
        throw wrong(file, token, 'a value');
    }
  };

  const message = (line: number, closing: string | undefined, depth: number): TextMessage => {
    if (depth > maxDepth) throw wrong(file, peek(), `at most ${maxDepth} messages inside each other`);
    const result = new TextMessage(line);
    for (;;) {
      if (closing === undefined ? peek().kind === 'end' : isMark(closing)) {
        next++;
        return result;
      }
      const name = take();
      if (name.kind !== 'name') throw wrong(file, name, 'the name of a field');
      const colon = isMark(':');
      if (colon) next++;
      if (isMark('{') || isMark('<')) {
        const opening = take();
        result.add(name.text, message(opening.line, opening.text === '{' ? '}' : '>', depth + 1));
      } else if (!colon) {
        throw wrong(file, peek(), `":" or "{" after ${name.text}`);
      } else if (isMark('[')) {
        next++;
        while (!isMark(']')) {
          result.add(name.text, scalar());
          if (isMark(',')) next++;
          else if (!isMark(']')) throw wrong(file, peek(), '"," or "]"');
        }
        next++;
      } else {
        result.add(name.text, scalar());
      }
      if (isMark(',') || isMark(';')) next++;
    }
  };
  return message(1, undefined, 0);
}

const tokenPattern =
  /(?<space>[\s\uFEFF]+|#[^\n]*)|(?<number>[-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[fF]?(?![\w.]))|(?<name>[A-Za-z_][\w.]*)|(?<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?<mark>[{}<>[\]:,;])/uy;

function tokenize(text: string, file: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let position = 0;
  while (position < text.length) {
    tokenPattern.lastIndex = position;
    const match = tokenPattern.exec(text);
    if (match?.groups === undefined) {
      throw wrong(file, { kind: 'mark', text: text.slice(position, position + 20), line }, 'text format');
    }
    const [whole] = match;
    const { space, number, name, string } = match.groups;
    if (space === undefined) {
      if (number !== undefined)
        tokens.push({ kind: 'number', text: /^[-+]?0x/i.test(number) ? number : number.replace(/f$/i, ''), line });
      else if (name !== undefined) tokens.push({ kind: 'name', text: name, line });
      else if (string !== undefined) tokens.push({ kind: 'string', text: unescape(string.slice(1, -1)), line });
      else tokens.push({ kind: 'mark', text: whole, line });
    }
    for (const character of whole) if (character === '\n') line++;
    position += whole.length;
  }
  tokens.push({ kind: 'end', text: 'the end of the file', line });
  return tokens;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => escapes[character] ?? character);
}

function wrong(file: string, token: Token, expected: string): SphereFaceError {
  return new SphereFaceError(`Line ${token.line} of ${file} cannot be understood.`, {
    got: token.text.slice(0, 40),
    expected,
    next: 'give the .prototxt file that belongs to the .caffemodel',
  });
}
