/** What is seen from outside over HTTP: `/healthz` for a load balancer, `/metrics` for Prometheus. @module */
import { Hono } from 'hono'

/** What the pages tell. */
export interface HttpSources {
  /** Sentences that say what is wrong; empty when all is well. */
  problems(): Promise<readonly string[]>
  /** Prometheus text format. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
}

/** The HTTP application; it runs without a socket too. */
export function httpApp(sources: HttpSources): Hono {
  const app = new Hono()
  app.get('/healthz', async (context) => {
    const problems = await sources.problems()
    return context.json(
      { status: problems.length === 0 ? 'ok' : 'degraded', problems },
      problems.length === 0 ? 200 : 503,
    )
  })
  app.get('/metrics', async (context) => {
    const { contentType, text } = await sources.metrics()
    return context.body(text, 200, { 'content-type': contentType })
  })
  return app
}
