/** A tender's identity: (owner, scheme, code), never the code alone — two cities will both have `2026-001`. */
import { rowName } from './register.ts'
import type { Key } from './table.ts'

export interface TenderIdentity {
  readonly owner: string
  readonly scheme: string
  readonly code: string
}

export const tenderKey = ({ owner, scheme, code }: TenderIdentity): Key => [owner, scheme, code]

/** What the indexes call it. */
export const tenderSubject = (tender: TenderIdentity): string => rowName('tender', ...tenderKey(tender))
