// The forms that the lines of a list have: where the path is, where the label, and what is between them.

/** What a line says. */
export interface ReadLine {
  readonly file: string;
  readonly label: string;
}

/** One way to read the lines of a list. */
export interface ListReading {
  /** For errors: `path label`. */
  readonly form: string;
  /** `undefined` for a line that is not of this form. */
  readonly parse: (line: string) => ReadLine | undefined;
}

/** Caffe's form, which `sphereface list` writes: the label is the last word, and a path may have blanks. */
export const labelled: ListReading = { form: 'path label', parse: matching(/^(?<file>.*\S)\s+(?<label>\S+)$/) };

/** A whole number, one or more numbers, and a path that is none. */
const numbered = /^\d+\t(?:[-+.\deE]+\t)+(?![-+.\deE]+$)[^\t]+$/;

/** MXNet's: of several labels the first says who it is. They are written as floating-point numbers: 3.000000 is 3. */
export const indexed: ListReading = {
  form: 'number<tab>label<tab>path',
  parse: (line) => {
    if (!numbered.test(line)) return undefined;
    const fields = line.split('\t');
    return { file: fields[fields.length - 1], label: String(Number(fields[1])) };
  },
};

/**
 * What else people have: fields with a sign between them, or words, the path first, second or third. Its place says where the label is:
 * after it, where there are other fields before it (InsightFace's `1<tab>path<tab>label`) or none; before it, where it is the last.
 */
export const otherReadings: readonly ListReading[] = [
  ...[
    { name: '<tab>', sign: '\t' },
    { name: ',', sign: ',' },
    { name: ';', sign: ';' },
  ].flatMap(({ name, sign }) => [
    { form: `path${name}label`, parse: fields(sign, 0, 1, 2) },
    { form: `label${name}path`, parse: fields(sign, 1, 0, 2, 2) },
    { form: `number${name}path${name}label`, parse: fields(sign, 1, 2, 3) },
    { form: `number${name}label${name}path`, parse: fields(sign, 2, 1, 3) },
  ]),
  { form: 'label path', parse: matching(/^(?<label>\S+)\s+(?<file>.*\S)$/) },
  { form: 'path label number', parse: matching(/^(?<file>.*\S)\s+(?<label>\S+)\s+\S+$/) },
  { form: 'number path label', parse: matching(/^\S+\s+(?<file>.*\S)\s+(?<label>\S+)$/) },
  { form: 'number label path', parse: matching(/^\S+\s+(?<label>\S+)\s+(?<file>.*\S)$/) },
];

function matching(form: RegExp): ListReading['parse'] {
  return (line) => {
    const groups = form.exec(line)?.groups;
    return groups === undefined ? undefined : { file: unquoted(groups.file), label: unquoted(groups.label) };
  };
}

/** Fields of a line: the path and the label by their positions, in lines of `least` to `most` fields. */
function fields(sign: string, path: number, label: number, least: number, most = Infinity): ListReading['parse'] {
  return (line) => {
    const found = fieldsOf(line, sign);
    const { [path]: file = '', [label]: name = '', length } = found;
    return length < least || length > most || file === '' || name === '' ? undefined : { file, label: name };
  };
}

/** Quotes hold a field together; blanks around a field, and empty fields at the end, are none of it. */
function fieldsOf(line: string, sign: string): string[] {
  const found = [''];
  let isQuoted = false;
  for (const character of line) {
    const field = found[found.length - 1];
    if (character === '"' && (isQuoted || field.trim() === '')) isQuoted = !isQuoted;
    else if (character === sign && !isQuoted) found.push('');
    else found[found.length - 1] = field + character;
  }
  const trimmed = found.map((field) => field.trim());
  return trimmed.slice(0, trimmed.findLastIndex((field) => field !== '') + 1);
}

function unquoted(word: string): string {
  return /^"(.*)"$/.exec(word)?.[1] ?? word;
}
