/** Where mail for an address goes: accounts, aliases, plus-addressing, catch-all, postmaster. @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { AccountRecord, Directory } from '#store/directory.ts'
import { type Address, canonicalLocal, parseAddress, splitDetail } from './addresses.ts'
import type { DeliveryTarget, RecipientRefusal } from './registry.ts'

/** Accounts that one address may lead to. */
const MOST_ACCOUNTS = 1_000
/** Aliases that one address may lead through, one after the other and all together. */
const MOST_DEPTH = 50
const MOST_ALIASES = 10_000

/** What is asked of a directory. */
export type RecipientDirectory = Pick<Directory, 'domains' | 'domain' | 'account' | 'oldestAccount' | 'alias'>

const POSTMASTER = 'postmaster'

/** What has been found so far. */
interface Walk {
  readonly targets: Map<number, { readonly account: AccountRecord; readonly detail: string | undefined }>
  /** Aliases resolved, and those we are within. */
  readonly seen: Set<string>
  readonly within: Set<string>
}

type Outcome = 'found' | 'unknown' | 'loop'

/**
 * Resolves an address. An exact account or alias comes before its part ahead of `+`, that before the catch-all.
 * `postmaster` is always accepted (RFC 5321 §4.5.1): without an account, alias or catch-all of its own its mail goes
 * to the domain's oldest account, and without a domain it is the oldest domain's that has one.
 */
export async function resolveRecipient(
  directory: RecipientDirectory,
  text: string,
): Promise<Result<readonly DeliveryTarget[], RecipientRefusal>> {
  if (!text.includes('@') && canonicalLocal(text) === POSTMASTER) return resolvePostmaster(directory)
  const address = parseAddress(text)
  if (address === undefined) return refused({ kind: /@\[[^@]*\]$/.test(text) ? 'not-local' : 'bad-address' })
  return resolveAddress(directory, address)
}

/** The postmaster of the oldest domain that has somebody. */
async function resolvePostmaster(
  directory: RecipientDirectory,
): Promise<Result<readonly DeliveryTarget[], RecipientRefusal>> {
  const domains = (await directory.domains()).toSorted((one, other) => one.createdAt - other.createdAt)
  for (const { name } of domains) {
    const answer = await resolveAddress(directory, {
      address: `${POSTMASTER}@${name}`,
      local: POSTMASTER,
      domain: name,
    })
    if (answer.ok) return answer
  }
  return refused({ kind: 'unknown' })
}

async function resolveAddress(
  directory: RecipientDirectory,
  address: Address,
): Promise<Result<readonly DeliveryTarget[], RecipientRefusal>> {
  const domain = await directory.domain(address.domain)
  if (domain === undefined) return refused({ kind: 'not-local' })
  const walk: Walk = { targets: new Map(), seen: new Set(), within: new Set() }
  let outcome = await follow(directory, address, undefined, walk)
  if (outcome === 'unknown' && domain.catchAll !== undefined) {
    const catchAll = parseAddress(domain.catchAll)
    if (catchAll !== undefined) outcome = await follow(directory, catchAll, undefined, walk)
  }
  if (outcome === 'unknown' && (splitDetail(address.local)?.base ?? address.local) === POSTMASTER) {
    const account = await directory.oldestAccount(address.domain)
    if (account !== undefined) outcome = addAccount(walk, account, undefined)
  }
  if (outcome === 'loop') return refused({ kind: 'alias-loop' })
  if (outcome === 'unknown') return refused({ kind: 'unknown' })
  return done(
    Array.from(walk.targets.values(), ({ account, detail }) => ({
      account: account.ref,
      address: account.address,
      detail,
      ...(account.limits.storageBytes === undefined ? {} : { limitBytes: account.limits.storageBytes }),
    })),
  )
}

/** Follows one address; the detail of an address that led here by its part ahead of `+` goes along. */
async function follow(
  directory: RecipientDirectory,
  { address, local, domain }: Address,
  detail: string | undefined,
  walk: Walk,
): Promise<Outcome> {
  const account = await directory.account(address)
  if (account !== undefined) return addAccount(walk, account, detail)
  const alias = await directory.alias(address)
  if (alias !== undefined) return followAlias(directory, address, alias.targets, detail, walk)
  const split = splitDetail(local)
  if (split === undefined) return 'unknown'
  const base = { address: `${split.base}@${domain}`, local: split.base, domain }
  return follow(directory, base, split.detail, walk)
}

async function followAlias(
  directory: RecipientDirectory,
  address: string,
  targets: readonly string[],
  detail: string | undefined,
  walk: Walk,
): Promise<Outcome> {
  if (walk.within.has(address) || walk.within.size >= MOST_DEPTH) return 'loop'
  if (walk.seen.has(address)) return 'found'
  if (walk.seen.size >= MOST_ALIASES) return 'loop'
  walk.seen.add(address)
  walk.within.add(address)
  let all: Outcome = 'unknown'
  for (const target of targets) {
    const parsed = parseAddress(target)
    // a target that is gone is left out; with none left, the alias is unknown
    const outcome = parsed === undefined ? 'unknown' : await follow(directory, parsed, detail, walk)
    if (outcome === 'loop') return 'loop'
    if (outcome === 'found') all = 'found'
  }
  walk.within.delete(address)
  return all
}

function addAccount(walk: Walk, account: AccountRecord, detail: string | undefined): Outcome {
  if (!walk.targets.has(account.ref.id)) walk.targets.set(account.ref.id, { account, detail })
  return walk.targets.size > MOST_ACCOUNTS ? 'loop' : 'found'
}
