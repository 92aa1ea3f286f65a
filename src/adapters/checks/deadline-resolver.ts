/** A resolver that answers until a moment, and then says that it cannot tell now. @module */
import type { DnsResult, Resolver } from '#services/resolver.ts'

export interface DeadlineResolver extends Resolver, Disposable {
  /** It is past the moment. */
  readonly late: boolean
}

const TOO_LATE = { ok: false, error: { kind: 'temporary', reason: 'The time for this message is over' } } as const

/** @param ms How long it answers, from now on. */
export function deadlineResolver(resolver: Resolver, ms: number): DeadlineResolver {
  let late = false
  const { promise, resolve } = Promise.withResolvers<typeof TOO_LATE>()
  const timer = setTimeout(() => {
    late = true
    resolve(TOO_LATE)
  }, ms)
  const until = <T>(ask: () => Promise<DnsResult<T>>): Promise<DnsResult<T>> =>
    late ? promise : Promise.race([ask(), promise])
  return {
    get late() {
      return late
    },
    mx: (name) => until(() => resolver.mx(name)),
    a: (name) => until(() => resolver.a(name)),
    aaaa: (name) => until(() => resolver.aaaa(name)),
    txt: (name) => until(() => resolver.txt(name)),
    tlsa: (name) => until(() => resolver.tlsa(name)),
    srv: (name) => until(() => resolver.srv(name)),
    caa: (name) => until(() => resolver.caa(name)),
    ns: (name) => until(() => resolver.ns(name)),
    ptr: (address) => until(() => resolver.ptr(address)),
    cname: (name) => until(() => resolver.cname(name)),
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
