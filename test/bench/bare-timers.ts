/** As many loops that only wait for a timer, without a queue: what Node's timers leave to reach. @returns waits a second */
export async function bareTimers(count: number, concurrency: number, ms: number): Promise<number> {
  let left = count;
  const began = performance.now();
  const loop = async () => {
    while (left-- > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  };
  await Promise.all(Array.from({ length: concurrency }, loop));
  return (count / (performance.now() - began)) * 1_000;
}
