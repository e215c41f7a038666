import type { Check } from '../finding.ts';

const NEARLY = 0.8;
const FULL = 0.95;

export const memory: Check = {
  name: 'memory',
  async run({ info }) {
    const found = await info();
    const [used, most] = [Number(found.get('used_memory')), Number(found.get('maxmemory'))];
    if (!(most > 0) || !(used / most >= NEARLY)) return [];
    return [
      {
        severity: used / most >= FULL ? 'error' : 'warning',
        problem: `Redis uses ${Math.round((100 * used) / most)} % of its maxmemory: ${megabytes(used)} of ${megabytes(most)} MB.`,
        meaning: 'When it is full, nothing can be enqueued. Workers still drain it.',
        remedy:
          'lambdesque failed clear, if the failed list is what is large; else raise maxmemory: redis-cli CONFIG SET maxmemory …',
      },
    ];
  },
};

const megabytes = (bytes: number) => (bytes / 1_048_576).toFixed(bytes < 104_857_600 ? 1 : 0);
