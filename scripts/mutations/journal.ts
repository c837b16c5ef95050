import type { Area } from './mutation.ts';

export const journal: Area = {
  mutations: [],
  exceptions: {
    'J-1': 'not tried yet',
    'J-2': 'not tried yet',
    'J-3': 'not tried yet',
    'J-4': 'not tried yet',
    'J-5': 'not tried yet',
    'J-6': 'not tried yet',
    'J-7': 'not tried yet',
    'J-8': 'not tried yet',
    'J-9': 'not tried yet',
    'J-10': 'not tried yet',
    'J-11': 'not tried yet',
    'J-13': 'not tried yet',
    'J-14': 'not tried yet',
    'J-15': 'not tried yet',
    'J-16': 'not tried yet',
    'J-17': 'not tried yet',
    'J-18': 'not tried yet',
  },
};
