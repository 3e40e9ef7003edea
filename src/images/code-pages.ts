// Text whose encoding nobody states: names in zips made on Windows, lists written by old editors.
import {
  centralEuropean,
  cyrillic,
  japanese,
  korean,
  type NameLetters,
  simplifiedChinese,
  traditionalChinese,
  western,
} from './name-letters.js';
import { withoutMark } from '../common/byte-order-mark.js';

/** Text, and how it was read. */
export interface GuessedText {
  readonly texts: readonly string[];
  /** `UTF-8`, or the name of another encoding, which is a guess. */
  readonly encoding: string;
}

/**
 * Reads byte strings that come from one place. UTF-8 if all of them are valid UTF-8; else the encoding in which they are the most
 * likely names: frequent letters of one language rather than rare ones, letters of one script beside each other.
 */
export function guessText(parts: readonly Uint8Array[]): GuessedText {
  const utf8 = decodeAll(parts, decoderOf('utf-8'));
  if (utf8 !== undefined) return { texts: utf8, encoding: 'UTF-8' };
  const evidence = evidenceOf(parts);
  let best: GuessedText | undefined;
  let lowest = Infinity;
  for (const { name, decode, languages, common, prior = 0 } of encodings) {
    const texts = decodeAll(parts, decode);
    if (texts === undefined) continue;
    // What two encodings read alike is called by the first.
    if (best?.texts.every((text, at) => text === texts[at]) === true) continue;
    const read = evidence.map(decode);
    const bits = Math.min(...languages.map((language) => sum(read, (text) => costOf(text, language))));
    const cost = bits + prior + rareBits * sum(evidence, (bytes) => rareCharacters(bytes, common));
    if (cost >= lowest) continue;
    [best, lowest] = [{ texts, encoding: name }, cost];
  }
  return best ?? { texts: parts.map((part) => Buffer.from(part).toString('latin1')), encoding: 'Latin-1' };
}

/** More lines than this say nothing new. */
const maxEvidence = 1000;

/** The lines that are not ASCII alone: the beginning of them, if there are many. */
function evidenceOf(parts: readonly Uint8Array[]): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (const part of parts) {
    for (let start = 0; start < part.length && lines.length < maxEvidence;) {
      const found = part.indexOf(0x0a, start);
      const end = found < 0 ? part.length : found;
      const line = part.subarray(start, end);
      if (line.some((byte) => byte >= 0x80)) lines.push(line);
      start = end + 1;
    }
  }
  return lines;
}

/** The text of a file: UTF-8 or UTF-16 by its mark, UTF-8 if it is valid, else a guess. */
export function decodeText(bytes: Uint8Array): { readonly text: string; readonly encoding: string } {
  if (bytes[0] === 0xff && bytes[1] === 0xfe)
    return { text: new TextDecoder('utf-16le').decode(bytes), encoding: 'UTF-16' };
  if (bytes[0] === 0xfe && bytes[1] === 0xff)
    return { text: new TextDecoder('utf-16be').decode(bytes), encoding: 'UTF-16' };
  const { texts, encoding } = guessText([bytes]);
  return { text: withoutMark(texts[0]), encoding };
}

type Decode = (bytes: Uint8Array) => string;

/** Lead and trail bytes of characters that are no rare ones; single-byte encodings have none. */
type Common = ((lead: number, trail: number) => boolean) | undefined;

interface Encoding {
  readonly name: string;
  readonly decode: Decode;
  /** The names that it is used for: the likeliest counts. */
  readonly languages: readonly NameLetters[];
  readonly common?: Common;
  /** What is held against it before anything is read. */
  readonly prior?: number;
}

function decoderOf(label: string): Decode {
  const decoder = new TextDecoder(label, { fatal: true });
  return (bytes) => decoder.decode(bytes);
}

/** The upper half of code page 437, which old DOS and Windows programs write into zips. */
const cp437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

const encodings: readonly Encoding[] = [
  {
    name: 'GBK',
    decode: decoderOf('gbk'),
    languages: simplifiedChinese,
    // The 3755 most frequent Chinese characters are the first level of GB 2312.
    common: (lead, trail) => lead >= 0xb0 && lead <= 0xd7 && trail >= 0xa1,
  },
  {
    name: 'Shift JIS',
    decode: decoderOf('shift_jis'),
    languages: japanese,
    // Kana, and the first level of kanji.
    common: (lead) => lead === 0x82 || lead === 0x83 || (lead >= 0x88 && lead <= 0x97),
  },
  {
    name: 'Big5',
    decode: decoderOf('big5'),
    languages: traditionalChinese,
    common: (lead) => lead >= 0xa4 && lead <= 0xc6,
  },
  {
    name: 'EUC-KR',
    decode: decoderOf('euc-kr'),
    languages: korean,
    common: (lead, trail) => lead >= 0xb0 && lead <= 0xc8 && trail >= 0xa1,
  },
  { name: 'Windows-1252 (Latin-1)', decode: decoderOf('windows-1252'), languages: western },
  {
    name: 'code page 437',
    decode: (bytes) =>
      Array.from(bytes, (byte) => (byte < 128 ? String.fromCharCode(byte) : cp437[byte - 128])).join(''),
    languages: western,
    prior: 4,
  },
  { name: 'Windows-1251', decode: decoderOf('windows-1251'), languages: cyrillic },
  { name: 'code page 866', decode: decoderOf('ibm866'), languages: cyrillic },
  { name: 'Windows-1250', decode: decoderOf('windows-1250'), languages: centralEuropean },
];

function decodeAll(parts: readonly Uint8Array[], decode: Decode): string[] | undefined {
  try {
    return parts.map(decode);
  } catch {
    return undefined;
  }
}

const scripts: readonly RegExp[] = [
  /\p{Script=Latin}/u,
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}/u,
  /\p{Script=Hangul}/u,
  /\p{Script=Cyrillic}/u,
];

/** Han, kana and Hangul: a character is two bytes. */
function isWide(script: number): boolean {
  return script === 1 || script === 2;
}

function scriptOf(character: string): number {
  return scripts.findIndex((script) => script.test(character));
}

/** What a character costs that is no letter, in bits; one of another script or a form that names do not have. */
const symbolBits = 16;
/** A letter that is not among the frequent ones: of one byte, and of two. */
const [unusualLetterBits, unusualCharacterBits] = [9, 13];
/** A character of two bytes beyond those that are common, besides. */
const rareBits = 4;
/** Two scripts beside each other; two letters beyond ASCII in a row in Latin script; a sign after a letter. */
const [mixedBits, doubledBits, signBits] = [6, 2, 4];
/** A capital within a word; any other, and a name that begins with none. */
const [innerCapitalBits, capitalBits] = [7, 1];
const unlikelyBits = 6;

/** How unlikely a text is among names, in bits. ASCII costs nothing: it is the same in all encodings. */
function costOf(text: string, { frequent, bits, unlikely }: NameLetters): number {
  const characters = [...text];
  let cost = unlikely?.test(text) === true ? unlikelyBits : 0;
  for (const [at, character] of characters.entries()) {
    if (character.charCodeAt(0) < 128) continue;
    const script = scriptOf(character);
    // Half-width katakana are what other encodings look like in Shift JIS.
    if (script < 0 || /[\uff61-\uff9f]/.test(character)) {
      cost += symbolBits;
      continue;
    }
    const known = frequent.has(character.toLowerCase());
    cost += known ? bits : isWide(script) ? unusualCharacterBits : unusualLetterBits;
    for (const neighbour of [characters[at - 1] ?? '', characters[at + 1] ?? '']) {
      const other = scriptOf(neighbour);
      if (other >= 0 && other !== script) cost += mixedBits;
      if (script === 0 && other === 0 && neighbour.charCodeAt(0) >= 128) cost += doubledBits;
    }
    if (isCapital(character)) cost += isSmall(characters[at - 1]) ? innerCapitalBits : capitalBits;
    else if (isSmall(character) && isCapital(characters[at + 1])) cost += innerCapitalBits;
    else if (isSmall(character) && (at === 0 || characters[at - 1] === '/')) cost += capitalBits;
    // What the second bytes of Shift JIS look like.
    if (/[[\]^`{|}~@]/.test(characters[at + 1] ?? '')) cost += signBits;
  }
  return cost;
}

function isCapital(character = ''): boolean {
  return /\p{Lu}/u.test(character);
}

function isSmall(character = ''): boolean {
  return /\p{Ll}/u.test(character);
}

/** How many characters of two bytes are rare ones. */
function rareCharacters(bytes: Uint8Array, common: Common): number {
  if (common === undefined) return 0;
  let rare = 0;
  for (let at = 0; at + 1 < bytes.length; at++) {
    if (bytes[at] < 0x81) continue;
    if (!common(bytes[at], bytes[at + 1])) rare++;
    at++;
  }
  return rare;
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
