// Whether this browser is woken while the console is closed: what it takes, what who learns by it, and one button.

import { createEffect, createSignal, Match, Show, Switch, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Button } from '../../design/button.tsx';
import { ErrorNotice } from '../../design/notice.tsx';
import { asError } from '../../fleet/acts.ts';
import { browserWake } from '../../fleet/browser-wake.ts';
import { switchOff, switchOn, wakeOf, type Wake } from '../../fleet/wake.ts';

export function Notifications(): JSX.Element {
  const { fleet } = useConsole();
  const [busy, setBusy] = createSignal(false);
  const [failed, setFailed] = createSignal<unknown>();
  const live = () => (fleet()?.connection().kind === 'live' ? fleet() : undefined);
  const [wake, setWake] = createSignal<Wake>();
  // no resource: the rest of the settings does not wait for it
  createEffect(() => {
    const open = live();
    if (open !== undefined) void wakeOf(open.session().relay, browserWake).then(setWake, setFailed);
  });
  const change = async (work: typeof switchOn): Promise<void> => {
    const open = live();
    if (open === undefined) return;
    setBusy(true);
    setFailed(undefined);
    try {
      setWake(await work(open.session().relay, browserWake));
    } catch (thrown) {
      setFailed(thrown);
    } finally {
      setBusy(false);
    }
  };
  const known = (): Wake | undefined => (live() === undefined ? undefined : wake());
  return (
    <>
      <h2>While the console is closed</h2>
      <Show when={failed()}>{(thrown) => <ErrorNotice error={asError(thrown())} />}</Show>
      <Switch fallback={<p class="quiet">Nothing is known of it without a connection to the relay.</p>}>
        <Match when={known() === 'relay-cannot'}>
          <p>
            Nobody is woken: what agents ask shows while the console is open. Whoever runs the relay can change that with{' '}
            <code>HOLDFAST_PUSH_CONTACT=mailto:…</code>
          </p>
        </Match>
        <Match when={known() === 'browser-cannot'}>
          <p>
            This browser can't be woken: what agents ask shows while the console is open. On an iPhone or iPad, put the console on
            the home screen first; elsewhere it needs https.
          </p>
        </Match>
        <Match when={known() === 'denied'}>
          <p>
            This browser does not let the console show notifications. Allow them for this site in its settings, and look here
            again.
          </p>
        </Match>
        <Match when={known() === 'off'}>
          <p>
            This browser can be woken when an agent asks, or when something is wrong with one. Its push service learns that
            something waits for this browser, and when: no name, no fleet, no content.
          </p>
          <Button busy={busy()} onClick={() => void change(switchOn)}>
            Wake this browser
          </Button>
        </Match>
        <Match when={known() === 'on'}>
          <p>This browser is woken when an agent asks, or when something is wrong with one.</p>
          <Button busy={busy()} onClick={() => void change(switchOff)}>
            Don't wake it any more
          </Button>
        </Match>
      </Switch>
    </>
  );
}
