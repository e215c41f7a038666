import { Idiomorph } from 'idiomorph';
import { isChoosing, showAll } from './select-all.ts';

/** Parts of the page that change; the search box above them is left alone. */
const PARTS = ['#menu', '#main', '#footer'];

/**
 * Asks for the page again while somebody can see it, and changes what has changed: what has the focus, what is ticked, opened or
 * written stays. Nothing is asked while the page is in the background, while its reader has paused it, chooses lines or fills in a form.
 */
export function keepUpdated(changed: () => void): void {
  const interval = Number(document.body.dataset['live']);
  if (!interval) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let paused = false;
  let asking = false;

  const plan = () => {
    clearTimeout(timer);
    if (!paused && document.visibilityState === 'visible') timer = setTimeout(update, interval);
  };

  const update = async () => {
    if (!asking && !isBusy()) {
      asking = true;
      await ask().catch(() => tell('The server does not answer. Trying again.'));
      asking = false;
    }
    plan();
  };

  const ask = async () => {
    const response = await fetch(addressWithoutNotice(), { headers: { 'x-lambdesque-live': '1' } });
    if (response.status === 401) return location.reload();
    // What is shown says more than that it cannot be had now.
    if (!response.ok) return tell(`The server answers with status ${response.status}. Trying again.`);
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    if (!page.querySelector('#main') || isBusy() || paused) return;
    for (const part of PARTS) merge(part, page);
    showPause();
    showAll();
    changed();
  };

  const showPause = () => {
    const button = document.querySelector<HTMLButtonElement>('[data-pause]');
    if (!button) return;
    button.hidden = false;
    button.setAttribute('aria-pressed', String(paused));
  };

  document.addEventListener('click', ({ target }) => {
    if (!(target instanceof Element && target.matches('[data-pause]'))) return;
    paused = !paused;
    showPause();
    if (paused) clearTimeout(timer);
    else void update();
  });
  // Who comes back to the page sees what is, and not what was.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && !paused) void update();
    else clearTimeout(timer);
  });
  showPause();
  plan();
}

/** The notice of a change belongs to the moment after it. */
function addressWithoutNotice(): string {
  const url = new URL(location.href);
  for (const name of ['said', 'n', 'missing']) url.searchParams.delete(name);
  return url.href;
}

function isBusy(): boolean {
  return isWriting() || isChoosing() || isSelecting();
}

/** Somebody is at a field, or has written something that is not sent yet. */
function isWriting(): boolean {
  const { activeElement } = document;
  if (activeElement instanceof HTMLSelectElement) return true;
  const fields = [
    ...document.querySelectorAll<HTMLInputElement>('#main input:not([type="checkbox"], [type="hidden"])'),
  ];
  return fields.some((field) => field === activeElement || field.value !== field.defaultValue);
}

/** Text is selected, perhaps to be copied. */
function isSelecting(): boolean {
  const selection = getSelection();
  return selection !== null && !selection.isCollapsed;
}

function merge(part: string, page: Document): void {
  const old = document.querySelector(part);
  const fresh = page.querySelector(part);
  if (!old || !fresh) return;
  Idiomorph.morph(old, fresh, {
    morphStyle: 'outerHTML',
    restoreFocus: true,
    callbacks: {
      // Drawn by the script, and not in what the server sends.
      beforeNodeMorphed: (node) => !node.classList?.contains('plot'),
      // What was opened stays open.
      beforeAttributeUpdated: (name, node) => !(name === 'open' && node instanceof HTMLDetailsElement),
    },
  });
}

function tell(text: string): void {
  const time = document.querySelector('[data-updated]');
  if (time) time.textContent = text;
}
