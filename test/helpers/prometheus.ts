/** A real Prometheus (Debian's package `prometheus`), where there is one: its linter, and a server that scrapes. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { endWithProcess } from './end-with-process.ts';
import { eventually } from './eventually.ts';
import { freePort } from './redis-server.ts';

const run = promisify(execFile);

export interface Prometheus extends AsyncDisposable {
  /** @returns the values of a query, NaN among them  @throws Error for a query that is none */
  query(expression: string): Promise<number[]>;
}

/** @returns why there is none here */
export async function prometheusHere(): Promise<{ readonly missing?: string }> {
  try {
    await run('prometheus', ['--version']);
    await run('promtool', ['--version']);
    return {};
  } catch {
    return { missing: 'there are no commands prometheus and promtool (Debian: prometheus)' };
  }
}

/** @returns what its linter finds wrong; '' for nothing */
export async function checkMetrics(text: string): Promise<string> {
  const child = run('promtool', ['check', 'metrics']);
  child.child.stdin?.end(text);
  const { stdout, stderr } = await child.catch((error: { stdout: string; stderr: string }) => error);
  return `${stdout}${stderr}`.trim();
}

/** @param targets `host:port` by name, scraped once a second */
export async function startPrometheus(targets: Readonly<Record<string, string>>, token: string): Promise<Prometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'lambdesque-prometheus-'));
  const jobs = Object.entries(targets).map(([name, target]) => ({
    job_name: name,
    authorization: { credentials: token },
    static_configs: [{ targets: [target] }],
  }));
  const config = { global: { scrape_interval: '1s', scrape_timeout: '1s' }, scrape_configs: jobs };
  // YAML takes JSON.
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  const child: ChildProcess = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${address}`,
    ],
    { stdio: 'ignore' },
  );
  const kill = () => child.kill('SIGKILL');
  const ended = endWithProcess(kill);
  await eventually(async () => {
    if (!(await fetch(`http://${address}/-/ready`)).ok) throw new Error('Prometheus is not ready');
  });
  return {
    async query(expression) {
      const url = `http://${address}/api/v1/query?${new URLSearchParams({ query: expression })}`;
      const answer = (await (await fetch(url)).json()) as {
        readonly status: string;
        readonly error?: string;
        readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
      };
      if (answer.status !== 'success') throw new Error(`${expression}: ${answer.error}`);
      return answer.data.result.map(({ value }) => Number(value[1]));
    },
    async [Symbol.asyncDispose]() {
      ended();
      const exited = child.exitCode === null ? once(child, 'exit') : undefined;
      kill();
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
