/** What every group of routes is given. */
import type { RefusalTexts } from '../chain/refusal.ts'
import type { ApiLimits } from './limits.ts'
import type { Service } from './service.ts'

export interface RouteContext {
  readonly service: Service
  /** The API's words and the ledger's, together. */
  readonly texts: RefusalTexts
  readonly limits: ApiLimits
}

export const jsonMediaType = 'application/json; charset=utf-8'
export const textMediaType = 'text/plain; charset=utf-8'
export const binaryMediaType = 'application/octet-stream'

/** For what never changes once it is served (RFC 8246). */
export const immutableCaching = 'public, max-age=31536000, immutable'
