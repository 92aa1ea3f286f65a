/** All scenarios, in the order in which they are played and shown. @module */
import type { Scenario } from '../scenario.ts'
import { login } from './login.ts'
import { noop } from './noop.ts'

export const SCENARIOS: readonly Scenario[] = [...login, ...noop]
