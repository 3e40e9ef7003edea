// Studies from outside: a built-in name or a YAML or JSON file, with `path=value` changes on top, and every path made absolute.
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { messageOf, UsageError } from '../../common/errors.js';
import { isRecord } from '../../common/json.js';
import { applySetting } from '../../training/index.js';
import { builtInStudies } from './built-in.js';
import { type StudyDefinition, studySchema } from './schema.js';

/**
 * Reads a study by built-in name or from a file.
 * @param settings changes in the form `path=value`, applied last, in order. Paths of files in them are relative to the working
 *   folder, those in a file to the file's.
 * @throws UsageError naming every wrong field by its path.
 */
export async function loadStudy(nameOrPath: string, settings: readonly string[] = []): Promise<StudyDefinition> {
  const isFile = /\.(ya?ml|json)$/i.test(nameOrPath);
  const stated = isFile ? await readStudyFile(nameOrPath) : builtIn(nameOrPath);
  const changed = settings.reduce<unknown>(applySetting, stated);
  return parseStudy(withPaths(changed, process.cwd()), isFile ? `study ${nameOrPath}` : `study "${nameOrPath}"`);
}

/** Checks a study and fills in the defaults. @throws UsageError naming every wrong field by its path. */
export function parseStudy(input: unknown, source = 'study'): StudyDefinition {
  const result = studySchema.safeParse(input);
  if (result.success) return result.data;
  throw new UsageError(`The ${source} is not valid.`, {
    got: result.error.issues
      .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
      .join('; '),
    expected: 'the fields that docs/studies.md lists',
    next: 'correct the named fields, in the file or with --set, for example --set data=faces.zip',
  });
}

function builtIn(name: string): unknown {
  const study = builtInStudies.get(name);
  if (study !== undefined) return study;
  throw new UsageError(`There is no study "${name}".`, {
    expected: `one of ${[...builtInStudies.keys()].join(', ')}, or the path of a .yaml or .json file`,
    next: 'sphereface study --list lists the built-in ones',
  });
}

async function readStudyFile(path: string): Promise<unknown> {
  let content: unknown;
  try {
    content = parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`The study ${path} cannot be read.`, { got: messageOf(error), cause: error });
  }
  if (!isRecord(content)) {
    throw new UsageError(`The study ${path} is not an object.`, { expected: 'fields such as data: and arms:' });
  }
  return withPaths(content, dirname(resolve(path)));
}

/** The study with its paths absolute. What is not of the expected form is left for the schema to complain of. */
function withPaths(study: unknown, folder: string): unknown {
  if (!isRecord(study)) return study;
  const fields = (
    value: unknown,
    names: readonly string[],
    wanted: (text: string) => boolean = () => true,
  ): unknown => {
    if (!isRecord(value)) return value;
    const changed = names.flatMap((name) => {
      const text = value[name];
      return typeof text === 'string' && wanted(text) ? [[name, resolve(folder, text)]] : [];
    });
    return { ...value, ...(Object.fromEntries(changed) as object) };
  };
  const ofPairs = (value: unknown): unknown => fields(value, ['pairs', 'images']);
  const ofArm = (value: unknown): unknown =>
    fields(fields(value, ['init']), ['recipe'], (text) => /\.(ya?ml|json)$/i.test(text));
  const { validation, test, arms } = study;
  return {
    ...(fields(study, ['data']) as object),
    ...(Array.isArray(validation) ? { validation: validation.map(ofPairs) } : {}),
    ...(test === undefined ? {} : { test: ofPairs(test) }),
    ...(isRecord(arms)
      ? { arms: Object.fromEntries(Object.entries(arms).map(([name, arm]) => [name, ofArm(arm)])) }
      : {}),
  };
}
