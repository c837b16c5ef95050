import type { Area } from './mutation.ts';

export const custody: Area = {
  mutations: [],
  exceptions: {
    'K-1': 'not tried yet',
    'K-2': 'not tried yet',
    'K-3': 'not tried yet',
    'K-4': 'not tried yet',
    'K-5': 'not tried yet',
    'K-6': 'not tried yet',
    'K-8': 'not tried yet',
    'K-9': 'not tried yet',
  },
};
