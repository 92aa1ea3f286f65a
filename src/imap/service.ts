import type { Socket } from 'node:net'
import type { SessionDeps } from '#services/session-deps.ts'

/** Speaks IMAP on sockets that someone else accepted. */
export class ImapService implements AsyncDisposable {
  readonly #deps: SessionDeps

  constructor(deps: SessionDeps) {
    this.#deps = deps
  }

  /**
   * Owns the socket from now on. Never throws.
   * @param secure `true` for a `TLSSocket` whose handshake is done (imaps).
   */
  accept(_socket: Socket, _options: { readonly secure: boolean }): void {
    void this.#deps
    throw new Error('not yet')
  }

  /** Ends every session after the command it is at, with BYE, at most 10 s later. */
  async [Symbol.asyncDispose](): Promise<void> {}
}
