// On a phone: the places that the foot has no room for.

import { For, type JSX } from 'solid-js';
import { Button } from '../../design/button.tsx';
import { Icon } from '../../design/icon.tsx';
import { Page } from '../../design/page.tsx';
import { useConsole } from '../../app/console.tsx';
import { places } from '../../app/places.ts';
import { routeOf } from '../../app/routes.ts';
import { hasScreen } from '../../app/screens.ts';
import './more.css';

/** @public */
/** @public By its route. */
export default function More(): JSX.Element {
  const { browser } = useConsole();
  return (
    <Page title="More" actions={<Button onClick={() => browser.session.lock()}>Lock</Button>}>
      <nav aria-label="More">
        <ul class="rows">
          <For each={places.filter(({ foot, screen }) => foot !== true && hasScreen(screen))}>
            {(place) => (
              <li>
                <a class="row more-row" href={routeOf(place.screen).path}>
                  <span class="more-word">
                    <Icon name={place.icon} size={20} />
                    {place.word}
                  </span>
                  <Icon name="chevron-right" />
                </a>
              </li>
            )}
          </For>
        </ul>
      </nav>
    </Page>
  );
}
