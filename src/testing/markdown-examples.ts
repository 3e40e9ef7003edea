// For tests: the examples of a Markdown page, so that they can be parsed, compiled and run.

/** A fenced block of a page. */
export interface Example {
  /** As written after the fence: `ts`, `sh`, … */
  readonly language: string;
  readonly code: string;
  /** Line of the page on which the code begins, from 1. */
  readonly line: number;
}

/** The fenced blocks of a page. */
export function examplesOf(markdown: string): Example[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map((match) => ({
    language: match[1],
    code: match[2],
    line: markdown.slice(0, match.index).split('\n').length + 1,
  }));
}

/** Text between single backticks that begins with `sphereface ` and names more than the command: a command written in a sentence. */
export function commandsInText(markdown: string): string[] {
  const text = markdown.replace(/^```[\s\S]*?^```$/gm, '');
  return [...text.matchAll(/`(sphereface [^`]+)`/g)]
    .map((match) => match[1].replace(/\s+/g, ' '))
    .filter((command) => command.split(' ').length > 2);
}

/**
 * The commands of a shell block as words, one array a command: comments and prompts left out, continued lines joined, `a && b` as two.
 * Brackets around what may be left out (`[--init MODEL]`) are dropped and their content kept.
 */
export function shellCommands(code: string): string[][] {
  return code
    .replace(/\\\n/g, ' ')
    .split(/\n|&&/)
    .map((line) =>
      [...line.replace(/(^|\s)#.*$/, '').matchAll(/'[^']*'|"[^"]*"|[^\s'"]+/g)].map(([word]) =>
        word.replace(/^(['"])(.*)\1$/, '$2').replace(/^\[|\]$/g, ''),
      ),
    )
    .filter((words) => words.length > 0);
}

/** What follows `sphereface` in a command, however it is started (`npx`, `mpirun -n 4`); `undefined` where it is another program's. */
export function spherefaceArguments(words: readonly string[]): string[] | undefined {
  const at = words.indexOf('sphereface');
  return at === -1 ||
    words.slice(0, at).some((word) => !/^(npx|mpirun|srun|-n|--host|--mpi=\w+|node\d+\S*|\d+|N)$/.test(word))
    ? undefined
    : words.slice(at + 1);
}
