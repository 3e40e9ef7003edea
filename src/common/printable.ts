// Text for terminals and pages: a name may hold anything, sequences that colour a terminal or set its title included.

/** Text with its control characters visible, as `\x1b`. Line breaks and tabs, of which messages are made, stay. */
export function printable(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, visible);
}

/** A name in one line: line breaks and tabs are visible as well. */
export function printableName(name: string): string {
  return name.replace(/[\p{Cc}\u2028\u2029]/gu, visible);
}

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function visible(character: string): string {
  const code = character.charCodeAt(0);
  return short[character] ?? (code > 0xff ? `\\u${code.toString(16)}` : `\\x${code.toString(16).padStart(2, '0')}`);
}
