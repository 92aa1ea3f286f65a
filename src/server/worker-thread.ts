/** Entry of a protocol thread that is a worker. @module */
import { parentPort, workerData } from 'node:worker_threads'
import { RemoteSearchIndex } from '#adapters/search/remote.ts'
import { QueueFiles } from '#adapters/sqlite/queue-files.ts'
import { shrinkWhenQuiet } from '#lib/quiet-heap.ts'
import { askOver } from '#services/gated-checks.ts'
import { RemoteOutbox } from '#services/remote-outbox.ts'
import { RemoteRegistry } from '#services/remote-registry.ts'
import { createLog } from './log.ts'
import { ProtocolThread, type ThreadServices } from './protocol-thread.ts'
import type { FromThread, ToThread, WorkerStart } from './threads.ts'

const port = parentPort
if (port === null) throw new Error('This module is the entry of a worker')
const { setup, registry, search, queue, checks, logLevel } = workerData as WorkerStart
const log = createLog(logLevel, { thread: setup.number })
const files = new QueueFiles(queue.directory)
const services: ThreadServices = {
  registry: new RemoteRegistry(registry),
  search: new RemoteSearchIndex(search),
  outbox: new RemoteOutbox(queue.port, () => files.stage()),
  checks: checks && askOver(checks),
}
const thread = new ProtocolThread(setup, services, log)
const tell = (message: FromThread): void => port.postMessage(message)

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'tls':
      thread.replaceTls(message.material)
      return
    case 'metrics':
      void thread.meter.json().then((metrics) => tell({ kind: 'metrics', id: message.id, metrics }))
      return
    case 'stop':
      void stop()
  }
})
shrinkWhenQuiet()
tell({ kind: 'listening', endpoints: await thread.listen(setup.endpoints, true, log) })

async function stop(): Promise<void> {
  await thread[Symbol.asyncDispose]()
  tell({ kind: 'stopped' })
  registry.close()
  search.close()
  queue.port.close()
  checks?.close()
  port?.close()
}
