// The console in a browser: puts the shell on the page.

import { render } from 'solid-js/web';
import './design/tokens.css';
import './design/base.css';
import { keepForOffline } from './app/offline.ts';
import { Shell } from './app/shell.tsx';

const place = document.querySelector('#console');
if (place === null) throw new Error('the page has no place for the console');
render(() => <Shell />, place);
keepForOffline();
