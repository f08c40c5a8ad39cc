import { describe, expect, it } from 'vitest'
import { encodeCbor } from '../../src/chain/cbor.ts'
import { attestationRow, readAttestation, readCertificate } from '../../src/node/store-rows.ts'
import { MadeLedger } from './audit/made-ledger.ts'

describe('a row that proves something', () => {
  const attestation = new MadeLedger().add({ records: ['one'] }).attestation!
  const row = attestationRow(attestation)

  it('is read as it was written', () => {
    expect(readAttestation(row)).toEqual(attestation)
  })

  it.each([
    ['cut off', row.subarray(0, row.length - 1)],
    ['of another kind', encodeCbor([1, 'attestation'])],
    ['not CBOR', Uint8Array.of(0xff, 1, 2)],
    ['empty', new Uint8Array()],
  ])('is none when it is %s: nobody who reads it throws', (_, damaged) => {
    expect(readAttestation(damaged)).toBeUndefined()
    expect(readCertificate(damaged)).toBeUndefined()
  })
})
