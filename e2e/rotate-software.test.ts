// Other keys for an agent whose keys lie in the software store.

import { rotates } from './rotation.ts';

rotates({ level: 'software', skip: false, copyOfBefore: 'turned away', insert: () => ({ parameters: [], remove: () => {} }) });
