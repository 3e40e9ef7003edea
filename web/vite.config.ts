// The page as static files: relative addresses, so that it works under any path of any server, and nothing from elsewhere.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  build: { target: 'es2022', outDir: 'dist', emptyOutDir: true, assetsInlineLimit: 0, chunkSizeWarningLimit: 4096 },
  worker: { format: 'es' },
  // Speaks up in the terminal only where something is wrong.
  logLevel: 'warn',
});
