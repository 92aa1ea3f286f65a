import type { Socket } from 'node:net'
import type { SessionDeps } from '#services/session-deps.ts'

/** Speaks POP3 on sockets that someone else accepted (RFC 1939, RFC 2449, RFC 2595 §4, RFC 5034, RFC 3206). */
export class Pop3Service implements AsyncDisposable {
  readonly #deps: SessionDeps

  constructor(deps: SessionDeps) {
    this.#deps = deps
  }

  /**
   * Owns the socket from now on. Never throws.
   * @param secure `true` for a `TLSSocket` whose handshake is done (pop3s).
   */
  accept(_socket: Socket, _options: { readonly secure: boolean }): void {
    void this.#deps
    throw new Error('not yet')
  }

  /** Ends every session after the command it is at, at most 10 s later; deletions not confirmed by QUIT are dropped. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
