/**
 * Consent: how two parties sign one step. Each signs a record of its own, with its own key, at its own node: first the one that gives
 * something up says exactly what it agrees to, then the other takes the step, which is refused without that consent or with other
 * terms. Nothing has to pass between the two outside the ledger, and a party whose centre signs for it can take part. A consent counts
 * until the time it names; its terms name a version or a step that happens once, so none is used twice.
 */
import type { RuleContext } from './statement-type.ts'
import { type Key, natural, optional, table, time } from './table.ts'
import { timeField } from './values.ts'

const consents = table('consent', {
  /** Of the record that gave it, the latest when it was given again. */
  index: natural,
  /** Null: until the step is taken. */
  until: optional(time),
})

export const consentUntilField = timeField('同意有效至', 'Consent counts until')

/** @param terms what exactly is agreed to; the step asks with the same. Their first names the step: `guarantee.release`. */
export function giveConsent(context: RuleContext, terms: Key, until: number | null): void {
  const { state, statement, index } = context
  consents.write(state, [statement.party, ...terms], { index, until })
}

export function hasConsent(context: RuleContext, party: string, terms: Key): boolean {
  const consent = consents.read(context.state, [party, ...terms])
  return consent !== undefined && (consent.until === null || context.blockTime <= consent.until)
}
