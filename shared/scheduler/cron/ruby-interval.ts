const MS: Readonly<Record<string, number>> = {
  y: 31_536_000_000,
  M: 2_592_000_000,
  w: 604_800_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
};

/** By their first letters, in words and where upper case means nothing else. */
const UNITS: Readonly<Record<string, string>> = {
  ...{ y: 'y', year: 'y', mon: 'M', month: 'M', M: 'M', w: 'w', week: 'w', d: 'd', day: 'd' },
  ...{ h: 'h', hour: 'h', m: 'm', min: 'm', minute: 'm', s: 's', sec: 's', second: 's' },
};

const PART = /\s*(\d+(?:\.\d+)?)\s*([a-z]+?)(?:(?<=[a-z][a-z])s(?=[\s,]|$))?(?=[\s,\d]|$)(?:\s*(?:,|and\b))?/giy;

/**
 * Milliseconds of an interval as Ruby's fugit reads it, where it means more than ours: `1y`, `1M` (30 days), `90 minutes`,
 * `1h 30m`, `60` (seconds), `PT1H30M`; undefined for another text.
 */
export function rubyIntervalMs(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed) * 1_000;
  const iso = /^P(?=\d|T)(.*?)(?:T(.+))?$/.exec(trimmed);
  if (iso) return sum(`${iso[1] ?? ''}${(iso[2] ?? '').replaceAll('M', 'm')}`);
  return sum(trimmed);
}

function sum(text: string): number | undefined {
  let ms = 0;
  PART.lastIndex = 0;
  for (let end = 0; end < text.length; end = PART.lastIndex) {
    const [, number, given = ''] = PART.exec(text) ?? [];
    const unit = MS[UNITS[given] ?? UNITS[given.toLowerCase()] ?? ''];
    if (number === undefined || unit === undefined) return undefined;
    ms += Number(number) * unit;
  }
  return text === '' ? undefined : ms;
}
