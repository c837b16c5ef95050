// What a service imports to let agents in by what they present, docs/verify-presentation.md.

export type { Presented } from '@holdfast/protocol/identity/presentation';
export type { FleetRoot } from '@holdfast/protocol/identity/token';
export { replayMemory } from './memory.ts';
/** @public For services of more than one process. */
export type { ReplayMemory } from './memory.ts';
export { agentOf, honoAgent, nodeAgent } from './middleware.ts';
export { presentationVerifier, type PresentationVerifier, type VerifierOptions } from './verifier.ts';
