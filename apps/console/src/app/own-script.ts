// Addresses of scripts of this bundle's own, for workers: under Trusted Types a browser starts no other.

interface ScriptPolicy {
  createScriptURL(url: string): string;
}

type PolicyMaker = (name: string, rules: ScriptPolicy) => ScriptPolicy;

const { trustedTypes } = globalThis as { readonly trustedTypes?: { readonly createPolicy: PolicyMaker } };

/** Throws for an address of anywhere else. */
const rules: ScriptPolicy = {
  createScriptURL(url) {
    if (new URL(url, location.href).origin !== location.origin) throw new TypeError(`not a script of this console: ${url}`);
    return url;
  },
};

const policy = trustedTypes?.createPolicy('holdfast-worker', rules) ?? rules;

export const ownScript = (url: string): string => policy.createScriptURL(url);
