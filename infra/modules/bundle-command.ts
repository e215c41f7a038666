import { bundleModule } from './bundle.ts';

/** `node bundle-command.ts <path>`: for who cannot wait for a promise. Prints `{"file"}` or `{"error"}`. */
try {
  const { file } = await bundleModule(process.argv[2] ?? '');
  process.stdout.write(JSON.stringify({ file }));
} catch (error) {
  process.stdout.write(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
}
