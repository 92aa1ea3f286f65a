/** The queue in `/metrics`. @module */
import { Counter, Gauge, type Registry } from 'prom-client'
import { systemClock } from '#lib/clock.ts'
import type { QueueDesk } from './queue-desk.ts'

/** @returns what brings them up to date. */
export function queueMetrics(queue: QueueDesk, registers: Registry[]): () => Promise<void> {
  const gauge = (name: string, help: string) => new Gauge({ name: `malle_queue_${name}`, help, registers })
  const recipients = new Gauge({
    name: 'malle_queue_recipients',
    help: 'Recipients in the queue, by state: waiting, held',
    labelNames: ['state'],
    registers,
  })
  const messages = gauge('messages', 'Messages in the queue')
  const bytes = gauge('bytes', 'Octets of their bodies')
  const oldest = gauge('oldest_seconds', 'Age of the oldest message in the queue; 0 where there is none')
  const paused = gauge('paused', '1 while the whole queue is held')
  const restarts = gauge('thread_restarts', 'Threads of the queue that ended by themselves')
  const deliveries = new Counter({
    name: 'malle_deliveries_total',
    help: 'Tries to hand a message to another server, by outcome: delivered, deferred, failed',
    labelNames: ['outcome'],
    registers,
  })
  return async () => {
    const status = await queue.status()
    recipients.set({ state: 'waiting' }, status.waiting)
    recipients.set({ state: 'held' }, status.held)
    messages.set(status.messages)
    bytes.set(status.bytes)
    oldest.set(status.oldest === undefined ? 0 : Math.max(0, systemClock.now() - status.oldest) / 1000)
    paused.set(status.holds.some(({ kind }) => kind === 'all') ? 1 : 0)
    restarts.set(status.restarts)
    deliveries.reset()
    for (const [outcome, count] of Object.entries(status.outcomes)) deliveries.inc({ outcome }, count)
  }
}
