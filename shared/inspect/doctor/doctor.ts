import { checks } from './checks.ts';
import { type DoctorDeps, factsOf } from './facts.ts';
import type { Check, Diagnosis, Finding, Severity } from './finding.ts';

/** Looks at a Redis and says what is wrong or odd in it. */
export interface Doctor {
  /**
   * Runs every check. It reads at most 100,000 keys' names with SCAN, never KEYS, and bounded parts of everything else: some 50
   * commands, and 1 more for each 500 to 1,000 keys of the database.
   * @param options.fix mends what can be mended without losing a job or running one that should not
   */
  examine(options?: { readonly fix?: boolean }): Promise<Examination>;
}

export interface Examination {
  /** The worst first. */
  readonly findings: readonly Finding[];
  /** Checks that could not be made, each with the reason. */
  readonly unchecked: readonly { readonly check: string; readonly error: string }[];
  /** Names of the checks that were made. */
  readonly checks: readonly string[];
  /** Every key of the database was looked at. */
  readonly complete: boolean;
}

const MOST_SUBJECTS = 100;
const ORDER: readonly Severity[] = ['error', 'warning', 'notice'];

export function createDoctor(deps: DoctorDeps, all: readonly Check[] = checks): Doctor {
  return {
    async examine({ fix = false } = {}) {
      const facts = factsOf(deps);
      const findings: Finding[] = [];
      const unchecked: { check: string; error: string }[] = [];
      for (const { name, run } of all) {
        try {
          for (const one of await run(facts)) {
            const finding = told(name, one);
            // Where it cannot be mended, it is told all the same.
            const i = findings.push({ ...finding, fixed: undefined }) - 1;
            if (fix && one.mend) findings[i] = { ...finding, fixed: await one.mend() };
          }
        } catch (error) {
          unchecked.push({ check: name, error: error instanceof Error ? error.message : String(error) });
        }
      }
      findings.sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
      const failed = new Set(unchecked.map(({ check }) => check));
      return {
        findings,
        unchecked,
        checks: all.map(({ name }) => name).filter((name) => !failed.has(name)),
        complete: await facts.names().then(
          ({ complete }) => complete,
          () => false,
        ),
      };
    },
  };
}

type Told = Omit<Finding, 'fixed'>;

function told(check: string, { mend, subjects = [], ...rest }: Diagnosis): Told {
  return { check, ...rest, subjects: subjects.slice(0, MOST_SUBJECTS), fixable: mend !== undefined };
}
