/** Answers Postfix, which asks what to do with a client's command (SMTPD_POLICY_README: policy delegation protocol). @module */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** What Postfix tells: `protocol_state`, `sender`, `recipient` and more. */
export type PolicyFacts = ReadonlyMap<string, string>

export interface PolicyServer extends AsyncDisposable {
  readonly port: number
}

/** @param decide As in access(5): `DUNNO`, `REJECT text`, `421 4.3.2 text` … */
export async function startPolicyServer(decide: (facts: PolicyFacts) => string): Promise<PolicyServer> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const questions = (text + chunk).split('\n\n')
      text = questions.pop() ?? ''
      for (const question of questions) socket.write(`action=${decide(factsOf(question))}\n\n`)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function factsOf(question: string): PolicyFacts {
  return new Map(
    question.split('\n').map((line): [string, string] => {
      const at = line.indexOf('=')
      return [line.slice(0, at), line.slice(at + 1)]
    }),
  )
}
