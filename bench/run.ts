// Runs one benchmark: `npm run bench -- NAME [args]` calls `run(args)` of `bench/NAME.ts`.
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';

/** What every benchmark file exports. It prints its own figures. */
export interface Benchmark {
  run(args: readonly string[]): Promise<void> | void;
}

const [name, ...args] = process.argv.slice(2);
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'run.ts')
  .map((file) => basename(file, '.ts'))
  .sort();
if (name === undefined || !names.includes(name)) {
  process.stderr.write(`usage: npm run bench -- NAME [args]\n  NAME is one of: ${names.join(', ')}\n`);
  process.exitCode = 2;
} else {
  const benchmark = (await import(`./${name}.js`)) as Benchmark;
  await benchmark.run(args);
}
