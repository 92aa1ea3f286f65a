/** The verbs about keys that sign mail. @module */
import { systemClock } from '#lib/clock.ts'
import type { Result } from '#lib/result.ts'
import { type DkimRefusal, dkimRecord, dkimState } from '#services/dkim-keys.ts'
import type { DkimKeyRecord } from '#store/directory.ts'
import type { Installation } from './installation.ts'
import { type DkimKeyView, VerbRefused, type Verbs } from './verbs.ts'

type DkimVerb = 'dkim.add' | 'dkim.rotate' | 'dkim.list' | 'dkim.remove'
type DkimHandlers = { [V in DkimVerb]: (args: Verbs[V]['args']) => Promise<Verbs[V]['value']> }

export function dkimVerbs({ dkim }: Pick<Installation, 'dkim'>): DkimHandlers {
  return {
    'dkim.add': async (wish) => must(await dkim.add(wish)).map(viewOf),
    'dkim.rotate': async (wish) => must(await dkim.rotate(wish)).map(viewOf),
    'dkim.list': async ({ domain }) => must(await dkim.list(domain)).map(viewOf),
    'dkim.remove': async ({ domain, selector }) => {
      must(await dkim.remove(domain, selector))
      return null
    },
  }
}

function viewOf(key: DkimKeyRecord): DkimKeyView {
  const { domain, selector, algorithm, createdAt, activeFrom, retiredFrom } = key
  return {
    domain,
    selector,
    algorithm,
    state: dkimState(key, systemClock.now()),
    created: new Date(createdAt).toISOString(),
    activeFrom: new Date(activeFrom).toISOString(),
    retiredFrom: retiredFrom === undefined ? null : new Date(retiredFrom).toISOString(),
    ...dkimRecord(key),
  }
}

function must<T>(result: Result<T, DkimRefusal>): T {
  if (result.ok) return result.value
  throw new VerbRefused(result.error)
}
