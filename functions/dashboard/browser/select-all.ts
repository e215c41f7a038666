/** The box that ticks all others of its list; only with a script is it of use, so that it is hidden without. */
export function followChoices(): void {
  showAll();
  document.addEventListener('change', ({ target }) => {
    if (!(target instanceof HTMLInputElement) || target.type !== 'checkbox') return;
    const form = target.closest<HTMLFormElement>('[data-choices]');
    if (!form) return;
    const boxes = [...form.querySelectorAll<HTMLInputElement>('input[name="place"]')];
    const all = form.querySelector<HTMLInputElement>('[data-all]');
    if (target === all) for (const box of boxes) box.checked = all.checked;
    else if (all) all.checked = boxes.every((box) => box.checked);
  });
}

export function showAll(): void {
  for (const box of document.querySelectorAll<HTMLInputElement>('[data-all]')) {
    box.hidden = false;
    box.nextElementSibling?.classList.remove('unseen');
  }
}

/** Somebody is choosing: what they look at must not move. */
export function isChoosing(): boolean {
  return document.querySelector('[data-choices] input:checked') !== null;
}
