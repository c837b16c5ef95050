import type { Area } from './mutation.ts';

export const supply: Area = { mutations: [], exceptions: { 'P-1': 'not tried yet', 'P-2': 'not tried yet' } };
