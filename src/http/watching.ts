/** Who may see how the server is: the pages for a load balancer and for Prometheus are not for everybody. @module */
import type { MiddlewareHandler } from 'hono'

/** What the listener gives with each question; absent where there is no socket. */
export interface Caller {
  readonly incoming?: { readonly socket: { readonly remoteAddress?: string | undefined } }
}

/** A proxy in front says so in one of these: what it passes on comes from anywhere. */
const PASSED_ON = ['forwarded', 'x-forwarded-for', 'via']

/** Answers others as if the page were not there. */
export function onlyFor(allowed: (address: string) => boolean): MiddlewareHandler<{ Bindings: Caller }> {
  return async (context, next) => {
    const incoming = context.env?.incoming
    const direct = PASSED_ON.every((name) => context.req.header(name) === undefined)
    if (incoming !== undefined && !(direct && allowed(incoming.socket.remoteAddress ?? ''))) return context.notFound()
    await next()
    return undefined
  }
}
