/** The codec below everything binary. */
import { CborError, type CborValue, decodeCbor, encodeCbor } from '../../../src/chain/cbor.ts'
import { mutateCbor } from '../mutation.ts'
import { hold, refusedOr, type Subject, sameBytes } from '../subject.ts'

const values: readonly CborValue[] = [
  null,
  0,
  [1, -1, 23, 24, 2 ** 53 - 1, -(2 ** 53 - 1)],
  ['共证', '', 'a'.repeat(30), new Uint8Array(70), new Uint8Array()],
  [[[[[true]]], false], [], Array.from({ length: 300 }, (_, i) => i)],
  [1, new Uint8Array(32).fill(1), 'wuhan', [[new Uint8Array(64), true], null]],
]

/** Only what is encodable, everywhere; text that is text, zero that is zero. */
function holdPlain(value: CborValue): void {
  if (typeof value === 'string') return hold(value.isWellFormed(), 'a lone surrogate')
  if (typeof value === 'number') return hold(Number.isSafeInteger(value) && !Object.is(value, -0), `a number ${value}`)
  if (value === null || typeof value === 'boolean' || value instanceof Uint8Array) return
  hold(Array.isArray(value), `something else: ${typeof value}`)
  for (const item of value) holdPlain(item)
}

export const cbor: Subject = {
  name: 'cbor',
  share: 4,
  seeds: () => values.map(encodeCbor),
  mutate: mutateCbor,
  judge: (input) =>
    refusedOr(CborError, undefined, () => {
      const value = decodeCbor(input)
      holdPlain(value)
      hold(sameBytes(encodeCbor(value), input), 'a value has one spelling')
    }),
}
