// Names of identities: one form (Unicode NFC) and one order (numbers as numbers), the same on every machine and in every language.

/** The form in which names are compared and stored: Unicode NFC. macOS gives the same name as NFD. */
export function normaliseName(name: string): string {
  return name.normalize('NFC');
}

/**
 * Orders names: 9 before 10, `person-2` before `person-10`; otherwise by UTF-16 code units of their NFC. A run of the digits 0 to 9
 * counts as one number, of any length, and comes before any other character at its place. Names that differ in leading zeros or in
 * their Unicode form alone are ordered by code units, so that only equal names compare as 0.
 */
export function compareNames(a: string, b: string): number {
  const [left, right] = [normaliseName(a), normaliseName(b)];
  return compareNatural(left, right) || compareUnits(left, right) || compareUnits(a, b);
}

function compareNatural(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const [numberA, numberB] = [isDigit(a, i), isDigit(b, j)];
    if (numberA !== numberB) return numberA ? -1 : 1;
    if (!numberA) {
      const difference = a.charCodeAt(i++) - b.charCodeAt(j++);
      if (difference !== 0) return difference;
      continue;
    }
    while (a[i] === '0') i++;
    while (b[j] === '0') j++;
    const [startA, startB] = [i, j];
    while (isDigit(a, i)) i++;
    while (isDigit(b, j)) j++;
    const longer = i - startA - (j - startB);
    if (longer !== 0) return longer;
    const difference = compareUnits(a.slice(startA, i), b.slice(startB, j));
    if (difference !== 0) return difference;
  }
  return a.length - i - (b.length - j);
}

function isDigit(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 48 && unit <= 57;
}

function compareUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
