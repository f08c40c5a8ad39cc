/**
 * What the caller asks for in headers: which representation (Accept, RFC 9110 §12.5.1) and how long to wait (Prefer, RFC 7240).
 * Both are wishes: what cannot be read or met is passed over, as those specifications ask, never an error.
 */

/**
 * The offer with the highest weight in Accept; the first offer when the header is absent or names none of them.
 * @param offers media types without parameters, the default first
 */
export function preferredType<Offer extends string>(
  accept: string | undefined,
  offers: readonly [Offer, ...Offer[]],
): Offer {
  if (accept === undefined) return offers[0]
  const ranges = accept
    .toLowerCase()
    .split(',', 32)
    .map((range) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
      const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1)
      return { type, weight }
    })
  const weightOf = (offer: string): number => {
    const group = `${offer.slice(0, offer.indexOf('/'))}/*`
    // The most specific range that matches decides, whatever its weight.
    const matches = (wanted: string) => ranges.find((range) => range.type === wanted)
    return (matches(offer) ?? matches(group) ?? matches('*/*'))?.weight ?? 0
  }
  let best: Offer = offers[0]
  let bestWeight = 0
  for (const offer of offers) {
    const weight = weightOf(offer)
    if (weight > bestWeight) {
      best = offer
      bestWeight = weight
    }
  }
  return best
}

export interface WaitPreference {
  /** How long to wait for `attested`; 0: answer as soon as the receipt is durable. */
  readonly waitMs: number
  /** What was honoured, for Preference-Applied; undefined when nothing was asked. */
  readonly applied: string | undefined
}

/**
 * `respond-async` alone answers at once; with or without it, `wait=N` waits at most N seconds (RFC 7240 §4.1, §4.3), bounded by the
 * limit. The first of several equal preferences counts.
 */
export function waitPreference(
  prefer: string | string[] | undefined,
  limits: { readonly waitMsDefault: number; readonly waitMsMax: number },
): WaitPreference {
  if (prefer === undefined) return { waitMs: limits.waitMsDefault, applied: undefined }
  let respondAsync = false
  let waitSeconds: number | undefined
  for (const preference of String(prefer).split(',', 32)) {
    const [word = ''] = preference.split(';')
    const match = /^\s*(respond-async|wait)\s*(?:=\s*"?(\d{1,9})"?\s*)?$/i.exec(word)
    if (match === null) continue
    if (match[2] === undefined) respondAsync ||= match[1]!.toLowerCase() === 'respond-async'
    else if (match[1]!.toLowerCase() === 'wait') waitSeconds ??= Number(match[2])
  }
  if (waitSeconds !== undefined) {
    const waitMs = Math.min(waitSeconds * 1000, limits.waitMsMax)
    return { waitMs, applied: `${respondAsync ? 'respond-async, ' : ''}wait=${waitMs / 1000}` }
  }
  return respondAsync ? { waitMs: 0, applied: 'respond-async' } : { waitMs: limits.waitMsDefault, applied: undefined }
}
