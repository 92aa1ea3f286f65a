/** All scenarios, in the order in which they are played and shown. @module */
import type { Scenario } from '../scenario.ts'
import { append } from './append.ts'
import { bodies } from './bodies.ts'
import { delivery } from './delivery.ts'
import { exists } from './exists.ts'
import { fetch } from './fetch.ts'
import { idle } from './idle.ts'
import { imports } from './import.ts'
import { login } from './login.ts'
import { mixed } from './mixed.ts'
import { noop } from './noop.ts'
import { open } from './open.ts'
import { outbound } from './outbound.ts'
import { pop3 } from './pop3.ts'
import { indexedSearch, search } from './search.ts'
import { start } from './start.ts'
import { store } from './store.ts'
import { threads } from './threads.ts'
import { transfer } from './transfer.ts'

export const SCENARIOS: readonly Scenario[] = [
  ...login,
  ...noop,
  ...exists,
  ...open,
  ...fetch,
  ...bodies,
  ...pop3,
  ...search,
  ...mixed,
  ...indexedSearch,
  ...threads,
  ...idle,
  ...start,
  ...delivery,
  ...append,
  ...store,
  ...transfer,
  ...imports,
  ...outbound,
]
