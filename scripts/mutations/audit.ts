import type { Area } from './mutation.ts';

export const audit: Area = {
  mutations: [],
  exceptions: {
    'A-1': 'not tried yet',
    'A-2': 'not tried yet',
    'A-4': 'not tried yet',
    'A-5': 'not tried yet',
    'A-6': 'not tried yet',
    'A-7': 'not tried yet',
    'A-8': 'not tried yet',
  },
};
