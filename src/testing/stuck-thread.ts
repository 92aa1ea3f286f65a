/** Entry of a thread that never answers, and does nothing else. @module */
import { parentPort } from 'node:worker_threads'

parentPort?.on('message', () => {
  for (;;);
})
