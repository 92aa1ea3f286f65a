/**
 * Loaded into a command with `--import` before it begins: the DNS is what `MALLE_TEST_SRV` says (JSON: records by name),
 * and no host but localhost is there. Nothing of the product knows of it.
 * @module
 */
import dns, { type SrvRecord } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { syncBuiltinESMExports } from 'node:module'

const records = new Map<string, SrvRecord[]>(Object.entries(JSON.parse(process.env.MALLE_TEST_SRV ?? '{}')))

Resolver.prototype.resolveSrv = async (name) => {
  const found = records.get(name)
  if (found === undefined) throw Object.assign(new Error(`no ${name}`), { code: 'ENOTFOUND' })
  return found
}

const { lookup } = dns
dns.lookup = Object.assign((host: string, ...rest: unknown[]) => {
  const known = host === 'localhost' || /^[\d.:]+$/.test(host)
  return Reflect.apply(lookup, dns, [known ? host : 'nowhere.invalid.', ...rest])
}, lookup)
syncBuiltinESMExports()
