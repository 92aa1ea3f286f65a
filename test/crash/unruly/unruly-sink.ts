/** {@link MailSink} with moods. @module */
import { setTimeout as delay } from 'node:timers/promises'
import { MailSink, type SinkMessage, type SinkStep } from '#testing/mail-sink.ts'
import type { Random } from '#testing/random.ts'
import { type Arrival, type Mood, Moods, SENDER, type Unruly } from './unruly.ts'

const MOODS: readonly Mood<SinkStep>[] = [
  ['connect', 0.02, '421 4.3.2 busy'],
  ['connect', 0.02, 'drop'],
  ['mail', 0.02, '451 4.3.0 not now'],
  ['mail', 0.02, 'drop'],
  ['rcpt', 0.06, '451 4.2.0 later'],
  ['rcpt', 0.04, '550 5.1.1 nobody'],
  ['data', 0.02, 'drop'],
  ['message', 0.03, '452 4.3.1 full'],
  ['message', 0.03, '554 5.6.0 never'],
  ['message', 0.04, 'drop'],
  ['message', 0.04, 'keep-and-drop'],
]

export async function startUnrulySink(random: Random): Promise<Unruly> {
  const moods = new Moods(random, MOODS)
  const arrivals: Arrival[] = []
  const kept = ({ from, to, body }: SinkMessage, dropped: boolean): void => {
    const at = performance.now()
    for (const { address } of to)
      arrivals.push({ isReport: from === '', recipient: address, body: body.toString('latin1'), at, dropped })
  }
  const sink = await MailSink.start({
    async answer(step, argument) {
      if (step === 'message' && !moods.tame) await delay(random.below(20))
      const isReport = step === 'rcpt' ? argument.includes(SENDER) : /^Auto-Submitted: /m.test(argument)
      return moods.at(step, isReport)
    },
    kept,
  })
  return {
    port: sink.port,
    mischief: moods.mischief,
    tame() {
      moods.tame = true
    },
    get taken() {
      return sink.messages.length
    },
    arrivals: async () => arrivals,
    [Symbol.asyncDispose]: () => sink[Symbol.asyncDispose](),
  }
}
