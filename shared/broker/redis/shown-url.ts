/** A URL for a message, in quotes: whole only where nothing in it can be a password, else its scheme. */
export function shownUrl(url: string): string {
  if (/^(?:[a-z][a-z+.-]*:\/\/)?[\w.-]*(?::\d{1,5})?(?:\/[\w.-]*)*$/i.test(url)) return JSON.stringify(url);
  const scheme = /^[a-z][a-z+.-]{0,19}:\/\//i.exec(url)?.[0] ?? '';
  return `${JSON.stringify(`${scheme}…`)} (the rest is not shown)`;
}
