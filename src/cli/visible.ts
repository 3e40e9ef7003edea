// Text as it may be shown on a terminal: names of files can hold codes that would move the cursor, or worse.

/** All control characters but line breaks and tabs, which text for people has. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** The text with control characters as `\x1b`. */
export function visible(text: string): string {
  return text.replace(controls, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
