import { drawCharts } from './charts.ts';
import { keepUpdated } from './live.ts';
import { followChoices } from './select-all.ts';

/** What the pages cannot do without a script: drawings, updates, and one box that ticks all. Everything else works without it. */
drawCharts();
followChoices();
keepUpdated(() => drawCharts());
// What is looked for may be further back than one request looks.
document.querySelector<HTMLAnchorElement>('a[data-go-on]')?.click();
