/** Work that several scenarios need done is done once for each server. @module */
import type { Contestant } from './contestant.ts'

const known = new WeakMap<Contestant, Map<string, Promise<void>>>()

/** @param what Names the work. */
export function once(server: Contestant, what: string, work: () => Promise<void>): Promise<void> {
  let ofServer = known.get(server)
  if (ofServer === undefined) {
    ofServer = new Map()
    known.set(server, ofServer)
  }
  let under = ofServer.get(what)
  if (under === undefined) {
    under = work()
    ofServer.set(what, under)
  }
  return under
}
