/** Where mail for an address goes: accounts, aliases, plus-addressing, catch-all, postmaster. @module */
import { done, type Result, refused } from '#lib/result.ts'
import type { AccountRecord, Directory } from '#store/directory.ts'
import {
  type Address,
  canonicalLocal,
  parseAddress,
  parseDomain,
  parseOutsideAddress,
  splitDetail,
} from './addresses.ts'
import type { Asker, OutsideTarget, RecipientRefusal, Resolution } from './registry.ts'
import type { SenderRewriting } from './srs.ts'

/** Accounts and outside addresses that one address may lead to. */
const MOST_TARGETS = 1_000
/** Aliases that one address may lead through, one after the other and all together. */
const MOST_DEPTH = 50
const MOST_ALIASES = 10_000

/** What is asked of a directory. */
export type RecipientDirectory = Pick<Directory, 'domains' | 'domain' | 'account' | 'oldestAccount' | 'alias'>

type Rewriting = Pick<SenderRewriting, 'reverse'>

const POSTMASTER = 'postmaster'

/** What has been found so far. */
interface Walk {
  readonly targets: Map<number, { readonly account: AccountRecord; readonly detail: string | undefined }>
  readonly outside: Map<string, OutsideTarget>
  /** Aliases resolved, and those we are within, outermost first. */
  readonly seen: Set<string>
  readonly within: Set<string>
}

type Outcome = 'found' | 'unknown' | 'loop'

/**
 * Resolves an address. Targets of aliases in domains that are not ours are outside; what came to an alias of ours comes
 * back at most until its own Delivered-To line is seen (`delivery.ts`). An exact account or alias comes before its part ahead of `+`, that before the catch-all.
 * `postmaster` is always accepted (RFC 5321 §4.5.1): without an account, alias or catch-all of its own its mail goes
 * to the domain's oldest account, and without a domain it is the oldest domain's that has one.
 * @param rewriting Mail to a sender that it has rewritten goes to that sender, wherever he is.
 */
export async function resolveRecipient(
  directory: RecipientDirectory,
  text: string,
  asker: Asker = 'anyone',
  rewriting?: Rewriting,
): Promise<Result<Resolution, RecipientRefusal>> {
  const sender = await rewrittenSender(directory, text, rewriting)
  if (sender !== undefined) return throughRewritten(text, await resolveRecipient(directory, sender, 'own', rewriting))
  if (!text.includes('@') && canonicalLocal(text) === POSTMASTER) return resolvePostmaster(directory)
  const address = parseAddress(text)
  if (address === undefined) return refused({ kind: /@\[[^@]*\]$/.test(text) ? 'not-local' : 'bad-address' })
  const answer = await resolveAddress(directory, address)
  const mayLeave = asker === 'own' && !answer.ok && answer.error.kind === 'not-local'
  const outside = mayLeave ? parseOutsideAddress(text) : undefined
  return outside === undefined ? answer : done({ local: [], outside: [{ address: outside }] })
}

/** Local parts may be longer here than any of our own. */
async function rewrittenSender(
  directory: RecipientDirectory,
  text: string,
  rewriting: Rewriting | undefined,
): Promise<string | undefined> {
  const sender = rewriting?.reverse(text)
  if (sender === undefined) return undefined
  const domain = parseDomain(text.slice(text.lastIndexOf('@') + 1))
  return domain !== undefined && (await directory.domain(domain)) !== undefined ? sender : undefined
}

/** It is forwarded as by an alias: its own envelope sender is rewritten likewise. */
function throughRewritten(
  address: string,
  answer: Result<Resolution, RecipientRefusal>,
): Result<Resolution, RecipientRefusal> {
  if (!answer.ok) return answer
  const { local, outside } = answer.value
  return done({ local, outside: outside.map((target) => ({ ...target, through: address })) })
}

/** The postmaster of the oldest domain that has somebody. */
async function resolvePostmaster(directory: RecipientDirectory): Promise<Result<Resolution, RecipientRefusal>> {
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
): Promise<Result<Resolution, RecipientRefusal>> {
  const domain = await directory.domain(address.domain)
  if (domain === undefined) return refused({ kind: 'not-local' })
  const walk: Walk = { targets: new Map(), outside: new Map(), seen: new Set(), within: new Set() }
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
  const local = Array.from(walk.targets.values(), ({ account, detail }) => ({
    account: account.ref,
    address: account.address,
    detail,
    ...(account.limits.storageBytes === undefined ? {} : { limitBytes: account.limits.storageBytes }),
  }))
  return done({ local, outside: Array.from(walk.outside.values()) })
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
    // a target that is gone is left out; with none left, the alias is unknown
    const outcome = await followTarget(directory, target, detail, walk)
    if (outcome === 'loop') return 'loop'
    if (outcome === 'found') all = 'found'
  }
  walk.within.delete(address)
  return all
}

async function followTarget(
  directory: RecipientDirectory,
  target: string,
  detail: string | undefined,
  walk: Walk,
): Promise<Outcome> {
  const parsed = parseAddress(target)
  if (parsed === undefined) return 'unknown'
  if ((await directory.domain(parsed.domain)) !== undefined) return follow(directory, parsed, detail, walk)
  const [through = parsed.address] = walk.within
  const address = parseOutsideAddress(target) ?? parsed.address
  if (!walk.outside.has(address)) walk.outside.set(address, { address, through })
  return isFull(walk) ? 'loop' : 'found'
}

function isFull({ targets, outside }: Walk): boolean {
  return targets.size + outside.size > MOST_TARGETS
}

function addAccount(walk: Walk, account: AccountRecord, detail: string | undefined): Outcome {
  if (!walk.targets.has(account.ref.id)) walk.targets.set(account.ref.id, { account, detail })
  return isFull(walk) ? 'loop' : 'found'
}

/** Whether an address leads to an account, or with `domain` is of its domain. */
export async function isOwnAddress(
  directory: RecipientDirectory,
  account: AccountRecord,
  text: string,
  within: 'own' | 'domain',
): Promise<boolean> {
  const parsed = parseAddress(text)
  if (parsed === undefined) return false
  if (parsed.address === account.address) return true
  if (within === 'domain' && account.address.endsWith(`@${parsed.domain}`)) return true
  const resolved = await resolveRecipient(directory, text)
  return resolved.ok && resolved.value.local.some((target) => target.account.id === account.ref.id)
}
