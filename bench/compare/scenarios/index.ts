/** All scenarios, in the order in which they are played and shown. @module */
import type { Scenario } from '../scenario.ts'
import { bodies } from './bodies.ts'
import { fetch } from './fetch.ts'
import { login } from './login.ts'
import { noop } from './noop.ts'
import { open } from './open.ts'
import { pop3 } from './pop3.ts'

export const SCENARIOS: readonly Scenario[] = [...login, ...noop, ...open, ...fetch, ...bodies, ...pop3]
