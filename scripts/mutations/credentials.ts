import type { Area } from './mutation.ts';

export const credentials: Area = {
  mutations: [
    {
      id: 'C-11.target',
      off: 'a stream may name another host than the tunnel',
      file: 'apps/daemon/src/broker/broker.ts',
      from: `if (!hostHeaderMatches(head.host, target)) throw refusal('target_mismatch');`,
      to: '',
      red: { 'apps/daemon/test/broker/http2.test.ts': 'heads that could be read in two ways' },
    },
    {
      id: 'C-11.half',
      off: 'a reset without an error ends an upload as if it were whole',
      file: 'apps/daemon/src/broker/streams.ts',
      from: 'if (stream.aborted) tell(false);',
      to: '',
      red: { 'apps/daemon/test/broker/http2.test.ts': 'half an upload is never taken for the whole' },
    },
    {
      id: 'C-11.long',
      off: 'a head may be as long as frames can carry',
      file: 'apps/daemon/src/broker/streams.ts',
      from: 'if (tooLong) throw',
      to: 'if (false) throw',
      red: { 'apps/daemon/test/broker/http2.test.ts': 'heads that could be read in two ways' },
    },
    {
      id: 'C-12.resets',
      off: 'streams may be reset as often as one likes',
      file: 'apps/daemon/src/broker/streams.ts',
      from: 'streamResetBurst: limits.maxStreamsPerConnection,',
      to: 'streamResetBurst: 1_000_000,',
      red: { 'apps/daemon/test/broker/http2.test.ts': 'floods of frames' },
    },
    {
      id: 'C-12.streams',
      off: 'streams do not count',
      file: 'apps/daemon/src/broker/clients.ts',
      from: 'this.#streams.add(stream);',
      to: '',
      red: { 'apps/daemon/test/broker/http2.test.ts': 'streams count like connections' },
    },
  ],
  exceptions: {
    'C-1': 'not tried yet',
    'C-2': 'not tried yet',
    'C-3': 'not tried yet',
    'C-4': 'not tried yet',
    'C-5': 'not tried yet',
    'C-6': 'not tried yet',
    'C-7': 'not tried yet',
    'C-8': 'not tried yet',
    'C-9': 'not tried yet',
    'C-10': 'not tried yet',
  },
};
