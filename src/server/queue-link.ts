/** How the queue's thread reaches the rest of the server: where mail for our own people goes, and into their mailboxes. @module */
import { MessageChannel } from 'node:worker_threads'
import type { EmbeddedHost } from '#adapters/embedded/host.ts'
import type { Registry } from '#services/registry.ts'
import { serveRegistry } from '#services/remote-registry.ts'
import type { SendingLink } from './queue-sender.ts'

export interface QueueLink extends SendingLink {
  /** The thread has ended. */
  end(): void
}

/** For one thread; its ports are to be transferred. */
export function queueLink(registry: Registry, host: EmbeddedHost, senderKey: Uint8Array): QueueLink {
  const { port1, port2 } = new MessageChannel()
  const endServing = serveRegistry(registry, port1)
  return {
    store: host.connect('nothing'),
    registry: port2,
    senderKey,
    end() {
      endServing()
      port1.close()
    },
  }
}
