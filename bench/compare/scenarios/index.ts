/** All scenarios, in the order in which they are played and shown. @module */
import type { Scenario } from '../scenario.ts'
import { bodies } from './bodies.ts'
import { exists } from './exists.ts'
import { fetch } from './fetch.ts'
import { idle } from './idle.ts'
import { login } from './login.ts'
import { mixed } from './mixed.ts'
import { noop } from './noop.ts'
import { open } from './open.ts'
import { pop3 } from './pop3.ts'
import { start } from './start.ts'
import { threads } from './threads.ts'

export const SCENARIOS: readonly Scenario[] = [
  ...login,
  ...noop,
  ...exists,
  ...open,
  ...fetch,
  ...bodies,
  ...pop3,
  ...mixed,
  ...threads,
  ...idle,
  ...start,
]
