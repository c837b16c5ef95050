// The audit log of the whole fleet as one stream: searched, filtered, each record opening its story. The filter stands in the address, so that another device
// of the operator's sees the same.

import { eventFilter, formatFilter, parseFilter, type AuditFilter } from '@holdfast/protocol/audit/filter';
import { outcomes, partsOf, type Outcome } from '@holdfast/protocol/audit/sentence';
import { classNames } from '@holdfast/protocol/audit/classes';
import { createEffect, createMemo, createSignal, For, on, onCleanup, Show, type JSX } from 'solid-js';
import { useConsole } from '../../app/console.tsx';
import { Ago } from '../../design/ago.tsx';
import { Empty } from '../../design/empty.tsx';
import { Select, TextField } from '../../design/field.tsx';
import { Icon } from '../../design/icon.tsx';
import { Mark } from '../../design/mark.tsx';
import { ErrorNotice, Notice } from '../../design/notice.tsx';
import { ListDetail, Page } from '../../design/page.tsx';
import { VirtualList } from '../../design/virtual-list.tsx';
import { asError } from '../../fleet/acts.ts';
import { problemOf, useLogs, type AgentLog } from '../../fleet/logs.ts';
import { SaveEvents, SaveLogs } from './export.tsx';
import { openAt, RowStream, type Matching, type Row } from './rows.ts';
import { StoryView } from './story.tsx';
import './audit.css';

/** While one types, and while records come. */
const againMs = 250;

const outcomeWords: Readonly<Record<Outcome, string>> = {
  happened: 'happened',
  waits: 'waits for you',
  stopped: 'was stopped',
  alarm: 'is an alarm',
};
const outcomeIcons = { happened: 'check', waits: 'hand', stopped: 'circle-alert', alarm: 'triangle-alert' } as const;

/** Lets what waits for the page go first: a timer would wait four milliseconds each time besides. */
function turn(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined, []);
  });
}

/** What the address says, or why it says nothing. */
function filterInAddress(): { readonly filter: AuditFilter; readonly wrong: unknown } {
  try {
    return { filter: parseFilter(location.search), wrong: undefined };
  } catch (thrown) {
    return { filter: {}, wrong: thrown };
  }
}

/** @public By its route. */
export default function AuditScreen(): JSX.Element {
  const { fleet, path } = useConsole();
  const logs = useLogs();
  const given = filterInAddress();
  const [filter, setFilter] = createSignal<AuditFilter>(given.filter);
  const [wrong, setWrong] = createSignal<unknown>(given.wrong);
  const [rows, setRows] = createSignal<readonly Row[]>();
  const open = createMemo(() => openAt(path()));
  const openLog = (): AgentLog | undefined => logs.of(open()?.agent ?? '');
  const total = createMemo(() => logs.all().reduce((sum, { events }) => sum + events.length, 0));
  /** A fleet without agents has nothing to read. */
  const isRead = (): boolean =>
    (logs.all().length > 0 || fleet()?.state()?.agents.size === 0) && logs.all().every(({ stage }) => stage === 'read');

  const stream = new RowStream({
    monotonicMs: () => performance.now(),
    next: turn,
  });
  const matching = createMemo((): Matching => {
    const [wanted, nowMs] = [filter(), Date.now()];
    return (names) => eventFilter(wanted, names, nowMs);
  });
  let over = new AbortController();
  const sift = async (): Promise<void> => {
    over = new AbortController();
    try {
      const found = await stream.rowsOf(logs.all(), matching(), over.signal);
      if (found !== undefined) setRows(found);
    } catch (thrown) {
      setWrong(thrown);
    }
  };
  let isSifting = false;
  let isStale = true;
  const ended = new AbortController();
  /** As often as `againMs` while records come: a filter that waited for them to end would never show any. */
  const keepSifted = async (): Promise<void> => {
    if (isSifting) return;
    isSifting = true;
    while (isStale && !ended.signal.aborted) {
      isStale = false;
      await sift();
      if (rows() !== undefined) await new Promise((resolve) => setTimeout(resolve, againMs));
    }
    isSifting = false;
  };
  createEffect(
    on([total, matching], ([, wanted], before) => {
      isStale = true;
      if (before !== undefined && wanted !== before[1]) over.abort();
      void keepSifted();
    }),
  );
  onCleanup(() => {
    ended.abort();
    over.abort();
  });
  const change = (wanted: Partial<Record<keyof AuditFilter, AuditFilter[keyof AuditFilter] | undefined>>): void => {
    const next = Object.fromEntries(
      Object.entries({ ...filter(), ...wanted }).filter(([, value]) => value !== undefined),
    ) as AuditFilter;
    setWrong(undefined);
    setFilter(next);
    const text = formatFilter(next);
    history.replaceState(history.state, '', text === '' ? location.pathname : `${location.pathname}?${text}`);
  };
  const one = (value: readonly string[] | undefined): string => value?.[0] ?? '';

  const list = (
    <div class="audit-stream">
      <search class="audit-filters">
        <TextField
          label="Search"
          type="search"
          value={filter().text ?? ''}
          onInput={(text) => change({ text: text === '' ? undefined : text })}
          placeholder="What it says, a host, a name"
        />
        <Select
          label="Kind"
          value={one(filter().kind)}
          options={[{ value: '', label: 'all' }, ...classNames.map((name) => ({ value: name, label: name }))]}
          onChange={(kind) => change({ kind: kind === '' ? undefined : [kind] })}
        />
        <Select
          label="What became of it"
          value={one(filter().outcome)}
          options={[
            { value: '', label: 'all' },
            ...outcomes.map((outcome) => ({ value: outcome, label: outcomeWords[outcome] })),
          ]}
          onChange={(outcome) => change({ outcome: outcomes.some((each) => each === outcome) ? [outcome] : undefined })}
        />
        <Select
          label="Agent"
          value={one(filter().agent)}
          options={[{ value: '', label: 'all' }, ...logs.all().map(({ agent, scope }) => ({ value: agent, label: scope }))]}
          onChange={(agent) => change({ agent: agent === '' ? undefined : [agent] })}
        />
        <Select
          label="Seen by"
          value={filter().seen ?? ''}
          options={[
            { value: '', label: 'all' },
            { value: 'observed', label: 'the daemon itself' },
            { value: 'reported', label: 'a harness that said so' },
          ]}
          onChange={(seen) => change({ seen: seen === '' ? undefined : seen })}
        />
      </search>
      <Show when={wrong()}>{(thrown) => <ErrorNotice error={asError(thrown())} />}</Show>
      <p class="quiet" role="status">
        <Show when={rows()} fallback="Reading what agents recorded…">
          {(found) => (
            <>
              {found().length.toLocaleString('en')} of {total().toLocaleString('en')} records
              {isRead() ? '' : '; more is being read'}
            </>
          )}
        </Show>
      </p>
      <Show
        when={(rows()?.length ?? 0) > 0}
        fallback={
          <Show when={rows() !== undefined && isRead()}>
            <Empty title={total() === 0 ? 'No agent has recorded anything yet.' : 'No record is like that.'}>
              <Show when={total() === 0} fallback={<p>Fewer words, or another kind, may find it.</p>}>
                <p>What one does stands here as soon as it is done.</p>
              </Show>
            </Empty>
          </Show>
        }
      >
        <VirtualList items={rows() ?? []} rowHeight={64} label="Records, newest first" row={(row) => <RecordRow row={row} />} />
      </Show>
    </div>
  );

  return (
    <Page title="Audit">
      <For each={logs.all().flatMap((log) => problemOf(log) ?? [])}>
        {({ title, text }) => (
          <Notice kind="stop" title={title}>
            <p>{text}</p>
          </Notice>
        )}
      </For>
      <ul class="audit-logs" aria-label="How far each log is verified">
        <For each={logs.all()}>
          {(log) => (
            <li>
              <strong>{log.scope}</strong>{' '}
              <span class="quiet">
                verified up to record {log.verifiedTo.toLocaleString('en')} of{' '}
                {(log.pruned + log.events.length).toLocaleString('en')}
                {log.pruned > 0 ? `; of the first ${log.pruned.toLocaleString('en')} hashes alone are left` : ''}
              </span>
            </li>
          )}
        </For>
      </ul>
      <details class="audit-export">
        <summary>Save records as a file</summary>
        <p>
          The records that are shown, one a line, are for reading and for other programs: they prove nothing. A whole log, with
          its signed checkpoints, is verified by anybody with one file that shares no code with this console: holdfast-verify.
          Both hold what agents did in the clear: whoever has the file reads it.
        </p>
        <div class="audit-export-acts">
          <SaveEvents
            events={(rows() ?? []).map(({ event }) => event)}
            name="holdfast-records"
            what={`the ${(rows()?.length ?? 0).toLocaleString('en')} records that are shown`}
            turn={turn}
          />
          <SaveLogs />
        </div>
      </details>
      <ListDetail
        list={list}
        back={{ href: '/audit', label: 'Audit' }}
        detail={
          <Show when={open()}>
            {(at) => (
              <Show when={openLog()} fallback={<Empty title="Reading what agents recorded…" />}>
                {(log) => <StoryView log={log()} sequence={at().sequence} turn={turn} verify={() => logs.verify(log().agent)} />}
              </Show>
            )}
          </Show>
        }
      />
    </Page>
  );
}

function RecordRow(props: { readonly row: Row }): JSX.Element {
  const parts = createMemo(() => partsOf(props.row.event, props.row.names));
  return (
    <a class="audit-row" href={`/audit/${props.row.agent}/${parts().sequence}${location.search}`}>
      <span class="audit-row-icon" role="img" aria-label={outcomeWords[parts().outcome]} title={outcomeWords[parts().outcome]}>
        <Icon name={outcomeIcons[parts().outcome]} />
      </span>
      <span class="audit-row-what">
        <span class="quiet">{parts().kind}</span> {parts().what}
      </span>
      <span class="audit-row-about quiet">
        {props.row.scope}
        {parts().who.child?.name === undefined ? '' : ` › ${parts().who.child?.name}`} · <Ago atMs={parts().atMs} /> ·{' '}
        <Mark kind={parts().seen} />
      </span>
    </a>
  );
}
