import { bytes } from '../views/format.ts';
import { html } from '../views/html.ts';
import type { PageContent } from '../views/layout.ts';

const encoder = new TextEncoder();

/**
 * Bytes of a text in an answer of Lambda, which is JSON: a quotation mark takes two, and what is no ASCII more than one. Compressed,
 * and as base64, it takes at most a third more than this.
 */
export function answerBytes(text: string): number {
  return encoder.encode(JSON.stringify(text)).length;
}

/** All of it, or a page that says why not. */
export function wholeText(text: string, mostBytes: number | undefined, otherwise: string): PageContent | Response {
  if (mostBytes !== undefined && answerBytes(text) > mostBytes) return tooMuch(mostBytes, otherwise);
  return new Response(text, { headers: { 'content-type': 'text/plain; charset=utf-8' } });
}

/** @param otherwise how to get at it */
export function tooMuch(mostBytes: number, otherwise: string): PageContent {
  return {
    title: 'Too much to send at once',
    live: false,
    body: html`<p>A function can answer with ${bytes(mostBytes)} at the most. ${otherwise}</p>`,
  };
}
