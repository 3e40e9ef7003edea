// Names in encodings that nobody states, each told by its bytes.
import { describe, expect, it } from 'vitest';
import { guessText } from './code-pages.js';

/** Names as bytes of an encoding. */
const names: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['UTF-8', ['Zoë/1.jpg', '张伟/1.jpg'], ['5a6fc3ab2f312e6a7067', 'e5bca0e4bc9f2f312e6a7067']],
  ['GBK', ['张伟/1.jpg', '李娜/1.jpg'], ['d5c5ceb02f312e6a7067', 'c0eec4c82f312e6a7067']],
  ['GBK', ['刘德华/照片.jpg'], ['c1f5b5c2bbaa2fd5d5c6ac2e6a7067']],
  ['Big5', ['陳小明/1.jpg'], ['b3afa470a9fa2f312e6a7067']],
  ['Shift JIS', ['田中/さくら.jpg'], ['93639286' + '2f' + '82b382ad82e7' + '2e6a7067']],
  [
    'Windows-1252 (Latin-1)',
    ['André/1.jpg', 'ben/Mummé.jpg'],
    ['416e6472e92f312e6a7067', '62656e2f4d756d6de92e6a7067'],
  ],
  ['Windows-1252 (Latin-1)', ['Renée/1.jpg'], ['52656ee9652f312e6a7067']],
  ['Windows-1252 (Latin-1)', ['Jürgen Müller/ö.jpg'], ['4afc7267656e204dfc6c6c65722ff62e6a7067']],
  ['code page 437', ['René/1.jpg', 'Müller/2.jpg'], ['52656e822f312e6a7067', '4d816c6c65722f322e6a7067']],
  ['code page 437', ['Noël/1.jpg'], ['4e6f896c2f312e6a7067']],
  ['Windows-1251', ['Иван Петров/1.jpg'], ['c8e2e0ed20cfe5f2f0eee22f312e6a7067']],
  ['code page 866', ['Иван/1.jpg'], ['88a2a0ad2f312e6a7067']],
];

describe('guessText', () => {
  it.each(names)('reads %s: %s', (encoding, texts, hex) => {
    expect(guessText(hex.map((part) => Buffer.from(part, 'hex')))).toEqual({ texts, encoding });
  });

  it('decodes anything', () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(guessText([all]).texts[0].length).toBeGreaterThan(100);
    expect(guessText([])).toEqual({ texts: [], encoding: 'UTF-8' });
  });
});
