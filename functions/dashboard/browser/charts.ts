import UPlot from 'uplot';

/** As views/chart.ts writes it. */
interface ChartData {
  readonly kind: 'lines' | 'bars';
  /** Epoch seconds. */
  readonly x: readonly number[];
  readonly lines: readonly {
    readonly label: string;
    readonly colour: string;
    readonly values: readonly (number | null)[];
  }[];
}

interface Drawn {
  readonly plot: UPlot;
  /** What it shows. */
  text: string;
  readonly lines: string;
}

const HEIGHT = 160;
const drawn = new Map<HTMLElement, Drawn>();

/** Draws each chart of the page, or shows it the newest numbers. */
export function drawCharts(): void {
  for (const [figure, { plot }] of drawn) {
    if (figure.isConnected) continue;
    plot.destroy();
    drawn.delete(figure);
  }
  for (const figure of document.querySelectorAll<HTMLElement>('[data-chart]')) draw(figure);
}

function draw(figure: HTMLElement): void {
  const text = figure.dataset['chart'] ?? '';
  const place = figure.querySelector<HTMLElement>('.plot');
  if (!place || place.hidden) return;
  const data = JSON.parse(text) as ChartData;
  const numbers = [[...data.x], ...heights(data)] as UPlot.AlignedData;
  const lines = data.lines.map((line) => line.label).join();
  const known = drawn.get(figure);
  if (known?.lines === lines) {
    if (known.text !== text) known.plot.setData(numbers);
    known.text = text;
    return;
  }
  known?.plot.destroy();
  const plot = new UPlot(optionsOf(data, place), numbers, place);
  drawn.set(figure, { plot, text, lines });
}

/** Bars stand on each other: each is drawn from the bottom to the sum so far, the highest first. */
function heights({ kind, lines }: ChartData): (number | null)[][] {
  if (kind === 'lines') return lines.map((line) => [...line.values]);
  const sums = lines.map((_, at) =>
    (lines[0]?.values ?? []).map((_, x) =>
      lines.slice(0, at + 1).reduce((sum, line) => sum + (line.values[x] ?? 0), 0),
    ),
  );
  return sums.reverse();
}

function optionsOf({ kind, lines }: ChartData, place: HTMLElement): UPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: () => colour('muted'),
    grid: { stroke: () => colour('line'), width: 1 },
    ticks: { show: false },
  };
  const ordered = kind === 'bars' ? [...lines].reverse() : lines;
  const bars = UPlot.paths.bars?.({ size: [0.8, 24] });
  return {
    width: place.clientWidth,
    height: HEIGHT,
    // Days and minutes are UTC, as everywhere on the page.
    tzDate: (seconds) => UPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(high * 1.1, 1)] } },
    axes: [
      { ...axis, size: 28, values: kind === 'bars' ? '{MM}-{DD}' : '{HH}:{mm}' },
      { ...axis, size: 56 },
    ],
    series: [
      {},
      ...ordered.map((line) => ({
        label: line.label,
        stroke: () => colour(line.colour),
        width: kind === 'bars' ? 0 : 2,
        points: { show: false },
        ...(kind === 'bars' && bars ? { fill: () => colour(line.colour), paths: bars } : {}),
      })),
    ],
  };
}

const resized = () => {
  for (const [figure, { plot }] of drawn) {
    const width = figure.querySelector<HTMLElement>('.plot')?.clientWidth;
    if (width) plot.setSize({ width, height: HEIGHT });
  }
};
addEventListener('resize', resized);
// The colours are read when it is drawn.
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const { plot } of drawn.values()) plot.redraw(false, true);
});
