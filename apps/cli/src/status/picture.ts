// `holdfast status` for people: first whether anything needs them, then the fleet as this machine has it, last what to mend and how. Colour stands
// for a state and never alone: each mark is a letter as well.

import { styleText } from 'node:util';
import { toHex } from '@holdfast/protocol/codec/bytes';
import type { AgentView, DoorReplyOf, KeyStoreView } from '@holdfast/protocol/door/wire';
import { ago, coarse, visible } from '../output.ts';
import type { Facts, Operates } from './facts.ts';
import { keyStoreName } from './key-stores.ts';
import type { Notice } from './notices.ts';

type Session = DoorReplyOf<'status'>['sessions'][number];

/** Where the words of a line begin. */
const indent = 16;

/** `columns`: of the terminal, if there is one; a pipe gets whole lines. */
export function pictureOf(facts: Facts, notices: readonly Notice[], columns: number | undefined): string[] {
  const { daemon, operates } = facts;
  return [
    headline(facts, notices),
    '',
    ...(daemon?.agents ?? []).flatMap((agent) => [...agentLines(agent, facts), '']),
    ...machineLines(facts),
    ...(operates === undefined ? [] : operatorLines(operates)),
    ...(notices.length === 0 ? [] : ['', ...notices.flatMap((each) => noticeLines(each, columns ?? Infinity))]),
  ];
}

/** One sentence; with a stopped agent it says who. */
function headline({ daemon }: Facts, notices: readonly Notice[]): string {
  if (daemon === undefined) return 'Holdfast does not run here: no agent of this machine can use a credential.';
  const stopped = daemon.agents.filter((agent) => !isAble(agent)).map(({ scope }) => scope);
  if (stopped.length > 0) return `${stopped.join(', ')} can use no credential now.`;
  const failed = notices.filter(({ state }) => state === 'fail').length;
  if (failed > 0) return `${count(failed, 'thing')} to mend.`;
  if (notices.length === 0) return 'Nothing needs you.';
  return `Everything works. ${count(notices.length, 'thing')} could be better.`;
}

function isAble({ state, freshness, recording }: AgentView): boolean {
  return state === 'live' && freshness.refusal === undefined && recording;
}

function agentLines(agent: AgentView, { daemon, nowMs, operates }: Facts): string[] {
  const { scope, state, fleetName, custody, grants, egress } = agent;
  const sessions = (daemon?.sessions ?? []).filter((each) => toHex(each.agent) === toHex(agent.agent));
  const name = fleetName === '' ? 'a fleet not read yet' : visible(fleetName);
  return [
    `${visible(scope)} of ${name}`,
    line('agent', `${state}, ${shortId(agent.agent)}, keys: ${keyStoreName(custody)}`),
    ...(state === 'revoked'
      ? []
      : [
          line('may use', `${count(grants, 'credential')}; ${count(egress, 'host')} without one`),
          line('rules', agent.rules === undefined ? 'none' : `version ${agent.rules}`),
          line('relay', relayWords(agent)),
          line('operator', pulseWords(agent)),
          line('journal', journalWords(agent, operates)),
        ]),
    ...(agent.guarded === undefined ? [] : [line('by hand', `guarded, door at 127.0.0.1:${agent.guarded}`)]),
    line('audit log', logWords(agent)),
    ...(sessions.length === 0 ? [line('sessions', 'none')] : sessions.map((each) => sessionLine(each, nowMs))),
  ];
}

function sessionLine({ session, mode, command, startedAtMs, suspended, children }: Session, nowMs: number): string {
  const below = children === undefined ? '' : `, ${children === 1 ? '1 child' : `${children} children`}`;
  const state = suspended === undefined ? '' : ', suspended';
  return line(mode, `${visible(command)}, ${coarse(Math.max(0, nowMs - startedAtMs))}, ${shortId(session)}${below}${state}`);
}

function relayWords({ relay, relayState, relayError, freshness }: AgentView): string {
  const { relayAgeMs } = freshness;
  const heard = relayAgeMs === undefined ? 'has not answered yet' : `answered ${ago(relayAgeMs)}`;
  if (relayState === 'connected') return `${visible(relay)} ${heard}`;
  const state = relayState === 'ended' ? 'left' : 'not connected';
  return `${visible(relay)} ${heard}; ${state}${relayError === undefined ? '' : ` (${relayError})`}`;
}

function pulseWords({ freshness: { pulseAgeMs, pulseMaxAgeMs } }: AgentView): string {
  if (pulseAgeMs === undefined) return 'not heard of yet';
  const leftMs = pulseMaxAgeMs - pulseAgeMs;
  const heard = `heard of ${ago(pulseAgeMs)}`;
  return leftMs > 0 ? `${heard}; that holds for ${coarse(leftMs)}` : `${heard}; it held for ${coarse(pulseMaxAgeMs)}`;
}

function journalWords({ fleet, control }: AgentView, operates: Operates | undefined): string {
  if (control === undefined) return 'not read yet';
  const ours = `entry ${control.position}, ${shortId(control.hash)}`;
  const seen = operates !== undefined && toHex(operates.fleet) === toHex(fleet) ? operates.head : undefined;
  if (seen === undefined) return ours;
  if (seen.position !== control.position) return `${ours}; the operator key saw entry ${seen.position} last`;
  return toHex(seen.hash) === toHex(control.hash)
    ? `${ours}, the operator key saw the same`
    : `${ours}, the operator key saw another`;
}

/** How old the newest checkpoint is that somebody outside vouches for. [WITNESS-11] */
function logWords({ events, recording, state, witness }: AgentView): string {
  const records = `${count(events, 'record')}${recording ? '' : '; it takes no more'}`;
  if (witness === undefined || state === 'revoked') return records;
  const { size, ageMs, stale, device } = witness;
  if (size === undefined || ageMs === undefined) return `${records}, none of them cosigned yet${stale ? ': too long' : ''}`;
  const byDevice = device === undefined ? '' : `, ${device.size} by an operator's device ${ago(device.ageMs)}`; // [WITNESS-23]
  return `${records}, ${size} of them cosigned ${ago(ageMs)}${stale ? ': too long ago' : ''}${byDevice}`;
}

function machineLines({ daemon, home, nowMs }: Facts): string[] {
  const runs =
    daemon === undefined
      ? 'does not run'
      : `${daemon.version}, up ${coarse(Math.max(0, nowMs - daemon.startedAtMs))}, pid ${daemon.pid}`;
  const stores = daemon?.keyStores.map(keyStoreWords).join('; ') ?? '';
  return [
    'this machine',
    line('daemon', runs),
    ...(stores === '' ? [] : [line('key stores', stores)]),
    line('home', visible(home)),
  ];
}

/** The first is where new keys are made. */
function keyStoreWords({ level, label, state }: KeyStoreView): string {
  return visible(`${keyStoreName(level, label)}${state === 'ready' ? '' : ` (${state})`}`);
}

function operatorLines({ fleetName, relay, relayState }: Operates): string[] {
  const answers = relayState === 'reachable' ? 'answers' : `does not serve it (${relayState})`;
  return [line('operator key', `of ${visible(fleetName)}${relayState === undefined ? '' : `; ${visible(relay)} ${answers}`}`)];
}

function noticeLines({ state, message, next }: Notice, columns: number): string[] {
  const [first = '', ...rest] = wrapped(visible(message), columns - 2);
  const mark = state === 'fail' ? paint('red', 'X') : paint('yellow', '!');
  const mend = next === undefined ? [] : wrapped(visible(next), columns - 4);
  return [`${mark} ${first}`, ...rest.map((each) => `  ${each}`), ...mend.map((each) => `    ${each}`)];
}

/** Between words; a word that is longer than the line stays whole, so that it can be copied. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function line(what: string, words: string): string {
  return `  ${visible(what).padEnd(indent - 2)}${words}`;
}

/** Only where a terminal shows it, and NO_COLOR does not forbid it. */
function paint(colour: 'red' | 'yellow', text: string): string {
  return styleText(colour, text, { stream: process.stdout });
}

function shortId(bytes: Uint8Array): string {
  return toHex(bytes).slice(0, 8);
}

function count(number: number, what: string): string {
  return `${number === 0 ? 'no' : number} ${what}${number === 1 ? '' : 's'}`;
}
