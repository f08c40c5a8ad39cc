/** What every group of routes is given. */
import type { FastifyRequest } from 'fastify'
import type { RefusalTexts } from '../chain/refusal.ts'
import type { ApiLimits } from './limits.ts'
import type { Service } from './service.ts'

/** A request that failed for a reason of ours. */
export interface RequestFailure {
  readonly error: unknown
  /** As the caller was told. */
  readonly requestId: string
  /** Method and pattern: what was asked for is nobody's business. */
  readonly route: string
}

export interface RouteContext {
  readonly service: Service
  /** The API's words and the ledger's, together. */
  readonly texts: RefusalTexts
  readonly limits: ApiLimits
  readonly onFailure: (failure: RequestFailure) => void
}

export const routeOf = ({ method, routeOptions }: FastifyRequest): string => `${method} ${routeOptions.url ?? '?'}`

export const jsonMediaType = 'application/json; charset=utf-8'
export const textMediaType = 'text/plain; charset=utf-8'
export const binaryMediaType = 'application/octet-stream'

/** For what never changes once it is served (RFC 8246). */
export const immutableCaching = 'public, max-age=31536000, immutable'
