/**
 * What is seen from outside over HTTP: `/healthz` for a load balancer and `/metrics` for Prometheus, both for the
 * networks that may watch; for everybody the settings of mail programs and the MTA-STS policy. @module
 */
import { Hono } from 'hono'
import { type SettingsSources, settingsRoutes } from './settings/routes.ts'
import { type Caller, onlyFor } from './watching.ts'

/** What the pages tell. */
export interface HttpSources {
  /** Sentences that say what is wrong; empty when all is well. */
  problems(): Promise<readonly string[]>
  /** Prometheus text format. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  /** Whether an address may see the two. */
  mayWatch(address: string): boolean
  readonly settings: SettingsSources
}

/** The HTTP application; it runs without a socket too. */
export function httpApp(sources: HttpSources): Hono<{ Bindings: Caller }> {
  const app = new Hono<{ Bindings: Caller }>()
  const watchers = onlyFor((address) => sources.mayWatch(address))
  app.get('/healthz', watchers, async (context) => {
    const problems = await sources.problems()
    return context.json(
      { status: problems.length === 0 ? 'ok' : 'degraded', problems },
      problems.length === 0 ? 200 : 503,
    )
  })
  app.get('/metrics', watchers, async (context) => {
    const { contentType, text } = await sources.metrics()
    return context.body(text, 200, { 'content-type': contentType })
  })
  app.route('/', settingsRoutes(sources.settings))
  return app
}
