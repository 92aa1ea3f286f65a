/** Whether the DNS leads a name to this server: only then an authority finds here what it asks for. @module */
import type { DnsResult, Resolver } from '#services/resolver.ts'

/** `undefined`: the DNS did not answer. */
export async function leadsHere(
  resolver: Resolver,
  name: string,
  { hostname, addresses }: { readonly hostname: string; readonly addresses: readonly string[] },
): Promise<boolean | undefined> {
  const here = addresses.length > 0 ? addresses : await addressesOf(resolver, hostname)
  const there = await addressesOf(resolver, name)
  if (here === undefined || there === undefined) return undefined
  return there.some((address) => here.includes(address))
}

async function addressesOf(resolver: Resolver, name: string): Promise<readonly string[] | undefined> {
  const answers = await Promise.all([resolver.a(name), resolver.aaaa(name)])
  const known = answers.flatMap((answer) => (answer.ok ? answer.records : []))
  return known.length === 0 && answers.some(isSilent) ? undefined : known
}

function isSilent(answer: DnsResult<string>): boolean {
  return !answer.ok && answer.error.kind === 'temporary'
}
