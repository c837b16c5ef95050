import type { Area } from './mutation.ts';

export const credentials: Area = {
  mutations: [],
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
