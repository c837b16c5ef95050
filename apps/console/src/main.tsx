// The console in a browser: opens what this browser keeps, and puts the shell on the page.

import { render } from 'solid-js/web';
import './design/tokens.css';
import './design/base.css';
import { readConfig } from './app/config.ts';
import { OpenConsole } from './app/console.tsx';
import { Failures } from './app/errors.tsx';
import { keepFocus } from './app/kept-focus.ts';
import { listenForKeys } from './app/keys.ts';
import { openRouter } from './app/router.ts';
import { Shell } from './app/shell.tsx';
import { keepForOffline } from './app/offline.ts';
import { applyTheme } from './app/theme.ts';
import { ErrorNotice } from './design/notice.tsx';
import { asError } from './fleet/acts.ts';
import { openThisBrowser } from './keys/this-browser.ts';
import { readPreferences } from './store/preferences.ts';

const place = document.querySelector('#console');
if (place === null) throw new Error('the page has no place for the console');

try {
  const [browser, config] = await Promise.all([openThisBrowser(), readConfig()]);
  applyTheme((await readPreferences(browser.records)).theme);
  const router = openRouter();
  listenForKeys();
  keepFocus();
  render(
    () => (
      <Failures>
        <OpenConsole browser={browser} router={router} config={config}>
          <Shell />
        </OpenConsole>
      </Failures>
    ),
    place,
  );
  keepForOffline();
} catch (thrown) {
  render(
    () => (
      <main class="failure">
        <h1>Holdfast</h1>
        <ErrorNotice error={asError(thrown)} />
      </main>
    ),
    place,
  );
}
