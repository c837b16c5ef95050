// What keys ask of an authenticator, as a port: the browser's is passkey.ts, tests bring one of their own. Nothing that it says is believed here.

export interface PasskeyMade {
  readonly credential: Uint8Array;
  readonly algorithm: 'ES256' | 'RS256';
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** Whether it has the PRF extension. */
  readonly hasPrf: boolean;
  /** The PRF's output, where it gives one at once. The caller overwrites it. */
  readonly prf?: Uint8Array;
}

export interface PasskeyAsserted {
  readonly credential: Uint8Array;
  readonly authenticatorData: Uint8Array;
  readonly clientData: Uint8Array;
  readonly signature: Uint8Array;
  /** The caller overwrites it. */
  readonly prf?: Uint8Array;
}

export interface Authenticator {
  /** Throws `passkey_refused`. */
  make(wanted: {
    readonly userName: string;
    readonly user: Uint8Array;
    readonly challenge: Uint8Array;
    readonly prfSalt: Uint8Array;
    /** Those that are there: an authenticator makes no second one beside its own. */
    readonly existing: readonly Uint8Array[];
  }): Promise<PasskeyMade>;
  /** One of `credentials`. Throws `passkey_refused`. */
  assert(wanted: {
    readonly credentials: readonly Uint8Array[];
    readonly challenge: Uint8Array;
    readonly prfSalt?: Uint8Array;
  }): Promise<PasskeyAsserted>;
}

/** Where this page is: what a passkey is made for. */
export interface Page {
  /** Its host name. [BKEY-5] */
  readonly host: string;
  readonly origin: string;
}
