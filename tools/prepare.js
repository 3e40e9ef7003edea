// npm's `prepare` step: builds when the package is installed from git, and once after `npm ci` in a checkout. Not where a build is
// already there (`prepack` makes its own), and not without the compiler (`npm ci --omit=dev`).
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const compiler = 'node_modules/typescript/bin/tsc';
if (existsSync('dist/index.js')) {
  console.log('prepare: dist/ is there');
} else if (existsSync(compiler)) {
  execFileSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
} else {
  console.log('prepare: nothing is built, for want of the development dependencies');
}
