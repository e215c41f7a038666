import type { Assets } from '../options.ts';
import { paths } from '../paths.ts';
import { duration } from './format.ts';
import { type Html, html } from './html.ts';
import { assetPaths, head } from './layout.ts';

interface SignInState {
  /** Where to go then. */
  readonly next: string;
  readonly wrong?: boolean;
  /** Milliseconds until the next try. */
  readonly wait?: number;
}

/** It says nothing of what is behind it. */
export function signInPage(assets: Assets, { next, wrong, wait }: SignInState): Html {
  const problem = wait
    ? `Too many tries. The next one is possible in ${duration(wait)}.`
    : wrong
      ? 'That is not the password.'
      : undefined;
  return html`<!doctype html>
<html lang="en">
<head>${head('Sign in – Lambdesque', { style: assetPaths(assets).style })}</head>
<body class="sign-in">
<main id="main">
<h1>Lambdesque</h1>
<form method="post" action="${paths.signIn}">
  <input type="hidden" name="next" value="${next}" />
  <p><label for="name">Your name, for the log <span class="unknown">(optional)</span></label>
  <input id="name" name="name" autocomplete="username" maxlength="64" /></p>
  <p><label for="password">Password</label>
  <input id="password" name="password" type="password" autocomplete="current-password" required autofocus${
    problem === undefined ? '' : html` aria-invalid="true" aria-describedby="problem"`
  } /></p>
  ${problem === undefined ? '' : html`<p id="problem" class="notice bad" role="alert">${problem}</p>`}
  <button class="primary">Sign in</button>
</form>
</main>
</body>
</html>`;
}
