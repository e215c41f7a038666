/** Every combination of the scenes that tests run a few of. */
import { Bed } from '../helpers/chaos-bed.ts';
import { Random } from '../helpers/chaos-random.ts';
import { allOnceCases, nameOf as nameOfOnce, runAtMostOnce } from './at-most-once.ts';
import { nameOf as nameOfPoison, poisonCases, runPoison, runSuspects } from './poison.ts';
import { allSerialCases, nameOf as nameOfSerial, runSerial } from './serial.ts';

export type ScenesName = 'poison' | 'serial' | 'at-most-once';

export interface ScenesOptions {
  readonly seed: number;
  /** How often to run each. */
  readonly rounds: number;
  /** Only scenes in whose names this stands. */
  readonly only: string;
  /** Where outputs and logs stay if something went wrong. */
  readonly folder: string;
  readonly tell: (line: string) => void;
}

/** Scenes at the same time: most of their time they wait for leases to end. */
const AT_ONCE = 4;

interface SceneRun {
  readonly name: string;
  run(bed: Bed): Promise<readonly string[]>;
}

/** @returns false if a promise was not kept */
export async function runScenes(
  name: ScenesName,
  { seed, rounds, only, folder, tell }: ScenesOptions,
): Promise<boolean> {
  const rounded = Array.from({ length: rounds }, (_, round) => scenesOf(name, { seed: seed + round, round, tell }));
  const scenes = rounded.flat().filter((scene) => scene.name.includes(only));
  const bed = await Bed.open({ folder });
  let done = 0;
  let broken = 0;
  const next = scenes.values();
  const runner = async () => {
    for (const scene of next) {
      const wrong = await scene.run(bed).catch((error: Error) => [String(error.stack)]);
      if (wrong.length > 0) broken++;
      const lines = wrong.map((line) => `\n       ${line}`).join('');
      tell(`${++done}/${scenes.length} ${wrong.length === 0 ? 'kept' : 'BROKEN'} ${scene.name}${lines}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, runner));
  await bed.close(broken > 0);
  tell(`${broken} of ${scenes.length} broken${broken > 0 ? `; outputs and logs are in ${bed.folder}` : ''}`);
  return broken === 0;
}

function scenesOf(
  name: ScenesName,
  { seed, round, tell }: Pick<ScenesOptions, 'seed' | 'tell'> & { readonly round: number },
): SceneRun[] {
  const random = new Random(seed);
  const own = () => new Random(random.int(0, 2 ** 31));
  switch (name) {
    case 'poison':
      return [
        ...poisonCases(round).map((one) => ({ name: nameOfPoison(one), run: (bed: Bed) => runPoison(bed, one) })),
        { name: 'healthy jobs behind suspects', run: (bed) => runSuspects(bed) },
      ];
    case 'serial':
      return allSerialCases.map((one) => {
        const choices = own();
        return { name: nameOfSerial(one), run: (bed) => runSerial(bed, one, choices) };
      });
    case 'at-most-once':
      return allOnceCases.map((one) => {
        const choices = own();
        return {
          name: nameOfOnce(one),
          async run(bed) {
            const { wrong, ...figures } = await runAtMostOnce(bed, one, choices);
            tell(`${nameOfOnce(one)}: ${JSON.stringify(figures)}`);
            return wrong;
          },
        };
      });
  }
}
