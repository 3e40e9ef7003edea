// Runs one benchmark: `npm run bench -- NAME [args]` calls `run(args)` of `bench/NAME.ts`. Benchmarks measure the built package (dist), as
// its users run it: loaders such as tsx detach array buffers, from when on V8 checks every access to one, and loops take 1.4 times as long.
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';

/** What every benchmark file exports. It prints its own figures. */
export interface Benchmark {
  run(args: readonly string[]): Promise<void> | void;
}

const [name, ...args] = process.argv.slice(2);
const helpers = ['run.js', 'peer.js', 'networks.js', 'profile.js'];
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.js') && !helpers.includes(file))
  .map((file) => basename(file, '.js'))
  .sort();
if (name === undefined || !names.includes(name)) {
  process.stderr.write(`usage: npm run bench -- NAME [args]\n  NAME is one of: ${names.join(', ')}\n`);
  process.exitCode = 2;
} else {
  const benchmark = (await import(`./${name}.js`)) as Benchmark;
  await benchmark.run(args);
}
