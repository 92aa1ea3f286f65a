/** Times as people write them on the command line. @module */
import { EXIT } from '#lib/exit-codes.ts'
import { CliError } from './cli-error.ts'
import { say } from './language.ts'

const UNITS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  j: 86_400_000,
  w: 604_800_000,
}
const DAYS: Readonly<Record<string, number>> = { today: 0, yesterday: 1, 'aujourd’hui': 0, "aujourd'hui": 0, hier: 1 }

/**
 * Milliseconds since 1970 of `2h`, `3d`, `yesterday` (its beginning) or an ISO date; times without a zone are those of
 * this machine. `undefined` when it is none of them.
 */
export function parseMoment(text: string, now: number): number | undefined {
  const back = /^(\d{1,6})\s*([mhdjw])$/i.exec(text)
  if (back !== null) return now - Number(back[1]) * (UNITS[(back[2] ?? '').toLowerCase()] ?? 0)
  const days = DAYS[text.toLowerCase()]
  if (days !== undefined) {
    const day = new Date(now)
    day.setHours(0, 0, 0, 0)
    day.setDate(day.getDate() - days)
    return day.getTime()
  }
  const iso = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:?\d\d)?)?$/.exec(text)
  if (iso === null) return undefined
  const [, year, month, day, time = '00:00', zone = ''] = iso
  // Date takes 31 February for 3 March.
  if (new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() !== Number(day)) return undefined
  const at = Date.parse(`${year}-${month}-${day}T${time}${zone}`)
  return Number.isNaN(at) ? undefined : at
}

/** The same for an option. */
export function momentOption(text: string): number {
  const at = parseMoment(text, Date.now())
  if (at !== undefined) return at
  throw new CliError(
    EXIT.usage,
    say(
      `"${text}" is not a time such as 2h, 3d, yesterday, 2026-01-31 or "2026-01-31 10:00".`,
      `« ${text} » n’est pas un moment comme 2h, 3j, hier, 2026-01-31 ou « 2026-01-31 10:00 ».`,
    ),
  )
}
