// Text whose encoding nobody states: names in zips made on Windows, lists written by old editors.
import { withoutMark } from '../common/byte-order-mark.js';

/** Text, and how it was read. */
export interface GuessedText {
  readonly texts: readonly string[];
  /** `UTF-8`, or the name of another encoding, which is a guess. */
  readonly encoding: string;
}

/**
 * Reads byte strings that come from one place. UTF-8 if all of them are valid UTF-8; else the encoding in which they look
 * most like names: letters of one script beside each other, and frequent characters rather than rare ones.
 */
export function guessText(parts: readonly Uint8Array[]): GuessedText {
  const utf8 = decodeAll(parts, decoderOf('utf-8'));
  if (utf8 !== undefined) return { texts: utf8, encoding: 'UTF-8' };
  let best: GuessedText | undefined;
  let highest = -Infinity;
  for (const { name, decode, common } of encodings) {
    const texts = decodeAll(parts, decode);
    if (texts === undefined) continue;
    const score = texts.reduce((sum, text) => sum + plausibility(text), 0) + frequent(parts, common);
    if (score <= highest) continue;
    [best, highest] = [{ texts, encoding: name }, score];
  }
  return best ?? { texts: parts.map((part) => Buffer.from(part).toString('latin1')), encoding: 'Latin-1' };
}

/** The text of a file: UTF-8 or UTF-16 by its mark, UTF-8 if it is valid, else a guess. */
export function decodeText(bytes: Uint8Array): { readonly text: string; readonly encoding: string } {
  if (bytes[0] === 0xff && bytes[1] === 0xfe)
    return { text: new TextDecoder('utf-16le').decode(bytes), encoding: 'UTF-16' };
  const { texts, encoding } = guessText([bytes]);
  return { text: withoutMark(texts[0]), encoding };
}

type Decode = (bytes: Uint8Array) => string;

/** A lead byte and the trail bytes of frequent characters; single-byte encodings have none. */
type Common = ((lead: number, trail: number) => boolean) | undefined;

function decoderOf(label: string): Decode {
  const decoder = new TextDecoder(label, { fatal: true });
  return (bytes) => decoder.decode(bytes);
}

/** The upper half of code page 437, which old DOS and Windows programs write into zips. */
const cp437 =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

const encodings: readonly { readonly name: string; readonly decode: Decode; readonly common?: Common }[] = [
  // The 3755 most frequent Chinese characters are the first level of GB 2312.
  { name: 'GBK', decode: decoderOf('gbk'), common: (lead, trail) => lead >= 0xb0 && lead <= 0xd7 && trail >= 0xa1 },
  { name: 'Shift JIS', decode: decoderOf('shift_jis'), common: (lead) => lead >= 0x88 && lead <= 0x97 },
  { name: 'Big5', decode: decoderOf('big5'), common: (lead) => lead >= 0xa4 && lead <= 0xc6 },
  {
    name: 'EUC-KR',
    decode: decoderOf('euc-kr'),
    common: (lead, trail) => lead >= 0xb0 && lead <= 0xc8 && trail >= 0xa1,
  },
  { name: 'Windows-1252 (Latin-1)', decode: decoderOf('windows-1252') },
  {
    name: 'code page 437',
    decode: (bytes) =>
      Array.from(bytes, (byte) => (byte < 128 ? String.fromCharCode(byte) : cp437[byte - 128])).join(''),
  },
  { name: 'Windows-1251', decode: decoderOf('windows-1251') },
  { name: 'code page 866', decode: decoderOf('ibm866') },
  { name: 'Windows-1250', decode: decoderOf('windows-1250') },
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

function scriptOf(character: string): number {
  return scripts.findIndex((script) => script.test(character));
}

/** How much a text looks like names: a point for each letter beyond ASCII, less for letters that no name would have there. */
function plausibility(text: string): number {
  const characters = [...text];
  let score = 0;
  for (const [at, character] of characters.entries()) {
    if (character.charCodeAt(0) < 128) continue;
    const script = scriptOf(character);
    // Half-width katakana are what other encodings look like in Shift JIS.
    if (script < 0 || /[\uff61-\uff9f]/.test(character)) {
      score -= 3;
      continue;
    }
    score += 1;
    for (const neighbour of [characters[at - 1] ?? '', characters[at + 1] ?? '']) {
      const other = scriptOf(neighbour);
      if (other >= 0 && other !== script) score -= 2;
      if (script === 0 && other === 0 && neighbour.charCodeAt(0) >= 128) score -= 1;
    }
    if (/\p{Lu}/u.test(character) && /\p{Ll}/u.test(characters[at - 1] ?? '')) score -= 2;
  }
  return score;
}

/** A point for each frequent character of two bytes, half a point off for each rare one. */
function frequent(parts: readonly Uint8Array[], common: Common): number {
  if (common === undefined) return 0;
  let score = 0;
  for (const bytes of parts) {
    for (let at = 0; at + 1 < bytes.length; at++) {
      if (bytes[at] < 0x81) continue;
      score += common(bytes[at], bytes[at + 1]) ? 1 : -0.5;
      at++;
    }
  }
  return score;
}
