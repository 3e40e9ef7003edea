import { expect, it } from 'vitest';
import { html } from './html.js';

it('escapes what is put in, and shows control characters, which pages have no place for', () => {
  expect(html`<b>${'<i>\x1b[31m\0"'}</b>`.text).toBe('<b>&lt;i&gt;\\x1b[31m\\x00&quot;</b>');
});
