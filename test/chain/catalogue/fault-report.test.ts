import { describe, expect, it } from 'vitest'
import { catalogueOf, knownTypeNames } from '../../../src/chain/catalogue/catalogue.ts'
import { frozenKey, frozenNode, reportedProofCharactersMax } from '../../../src/chain/catalogue/fault-report.ts'
import { type Signable, signableMessage } from '../../../src/chain/certificate.ts'
import { cosignatureMessage, formatCheckpoint } from '../../../src/chain/checkpoint.ts'
import { type FaultProof, formatFault, type Sealed } from '../../../src/chain/fault.ts'
import { height, term } from '../../../src/chain/numbers.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { FoundedLedger, keyOf, syntheticParty, type TestKey } from './founded-ledger.ts'

const catalogue = catalogueOf(knownTypeNames)
const found = (): FoundedLedger => FoundedLedger.found(catalogue)
const seal = keyOf('wuhan seal')
const cosign = keyOf('wuhan cosign')

const vote = (ledger: FoundedLedger, key: TestKey, candidate: string, of = 3, other?: string): Sealed => {
  const base = { term: term(0), height: height(0), id: 'ab'.repeat(32) }
  const signable: Signable = { kind: 'vote', term: term(of), candidate, base }
  const message = signableMessage({ ledger: other ?? ledger.genesis.ledger, epoch: 0 }, signable)
  return { message, signature: key.sign(message) }
}
const twoVotes = (ledger: FoundedLedger, key: TestKey, other?: string): FaultProof => ({
  kid: key.kid,
  form: 'sealed',
  first: vote(ledger, key, 'wuhan', 3, other),
  second: vote(ledger, key, 'beijing', 3, other),
})
const head = (origin: string, fill: number) => {
  const checkpoint = formatCheckpoint({ origin, size: 7, root: new Uint8Array(32).fill(fill) })
  return { checkpoint, timeSeconds: 1, signature: cosign.sign(cosignatureMessage(1, checkpoint)) }
}
const twoHeads = (origin: string): FaultProof => ({
  kid: cosign.kid,
  form: 'heads',
  first: head(origin, 1),
  second: head(origin, 2),
})
const report = (ledger: FoundedLedger, proof: string, by = 'guangzhou'): Statement =>
  ledger.statement('fault.report@1', ledger.member(by).party, keyOf(`${by} centre`), { proof })
const file = (ledger: FoundedLedger, key = seal): string => formatFault(twoVotes(ledger, key))

describe('fault.report', () => {
  it('freezes the key that a proof convicts, and names the member', () => {
    const ledger = found()
    const index = ledger.take(report(ledger, file(ledger)), { height: 9 })
    const frozen = { kid: seal.kid, kind: 'two-votes', member: 'wuhan', height: 9, index }
    expect(frozenKey(ledger.state, seal.kid)).toEqual(frozen)
    expect(frozenNode(ledger.state, ledger.member('wuhan').node)).toEqual(frozen)
    expect(frozenNode(ledger.state, ledger.member('beijing').node)).toBeUndefined()
    expect(catalogue.typeOf('fault.report@1')!.subjects({ proof: file(ledger) }).subjects).toEqual([`key/${seal.kid}`])
  })

  it('takes a node’s cosign key for the node', () => {
    const ledger = found()
    ledger.take(report(ledger, formatFault(twoHeads(ledger.genesis.origin))))
    expect(frozenKey(ledger.state, seal.kid)).toBeUndefined()
    expect(frozenNode(ledger.state, ledger.member('wuhan').node)).toMatchObject({ kid: cosign.kid, kind: 'two-heads' })
  })

  it('may be made by anybody registered, also by the member itself or through one member’s word', () => {
    const ledger = found()
    const own = ledger.fork()
    expect(own.submit(report(own, file(own), 'wuhan'), { member: 'wuhan' })).toBe('accepted')
    const party = syntheticParty('330100', 7)
    const company = ledger.register('a company', party, ['tenderee'], ['hangzhou'])
    const byCompany = ledger.statement('fault.report@1', party, company, { proof: file(ledger) })
    expect(ledger.fork().submit(byCompany, { member: 'beijing' })).toBe('accepted')
    const somebody = keyOf('somebody')
    const stranger = ledger.statement('fault.report@1', ledger.member('wuhan').party, somebody, { proof: file(ledger) })
    expect(ledger.submit(stranger)).toBe('key.unknown')
  })

  it('refuses what does not convict', () => {
    const ledger = found()
    const proof = twoVotes(ledger, seal) as Extract<FaultProof, { form: 'sealed' }>
    const refusalOf = (text: string): string => {
      const { code, message } = ledger.submitForRefusal(report(ledger, text))!
      return `${code} ${message.split(': ')[0]}`
    }
    expect(refusalOf('{}')).toBe('fault.not-proven fault.malformed')
    expect(refusalOf(file(ledger).trimEnd())).toBe('fault.not-proven fault.malformed')
    // The same signature twice; that of another; two votes in two terms.
    expect(refusalOf(formatFault({ ...proof, second: proof.first }))).toBe('fault.not-proven fault.no-contradiction')
    const foreign = vote(ledger, keyOf('beijing seal'), 'beijing')
    expect(refusalOf(formatFault({ ...proof, second: foreign }))).toBe('fault.not-proven fault.bad-signature')
    expect(refusalOf(formatFault({ ...proof, second: vote(ledger, seal, 'beijing', 4) }))).toBe(
      'fault.not-proven fault.no-contradiction',
    )
    expect(frozenKey(ledger.state, seal.kid)).toBeUndefined()
  })

  it('refuses what was signed for another ledger with the same key', () => {
    const ledger = found()
    const elsewhere = formatFault(twoVotes(ledger, seal, 'cd'.repeat(32)))
    expect(ledger.submit(report(ledger, elsewhere))).toBe('fault.other-ledger')
    expect(ledger.submit(report(ledger, formatFault(twoHeads('another.example/00'))))).toBe('fault.other-ledger')
  })

  it('refuses keys that are no business of this ledger', () => {
    const ledger = found()
    expect(ledger.submit(report(ledger, file(ledger, keyOf('somebody'))))).toBe('fault.unknown-key')
    // A node's network key signs other things, and a governance key none of these.
    expect(ledger.submit(report(ledger, file(ledger, keyOf('wuhan network'))))).toBe('fault.unknown-key')
    expect(ledger.submit(report(ledger, file(ledger, keyOf('wuhan governance'))))).toBe('fault.unknown-key')
  })

  it('takes one report for a key; the node’s other key is another', () => {
    const ledger = found()
    ledger.take(report(ledger, file(ledger)))
    const again = ledger.submitForRefusal(report(ledger, file(ledger), 'beijing'))!
    expect(`${again.code} ${again.message}`).toBe('fault.already-reported record 1')
    expect(ledger.submit(report(ledger, formatFault(twoHeads(ledger.genesis.origin))))).toBe('accepted')
  })

  it('has a bound that leaves room for the statement in an entry', () => {
    const ledger = found()
    expect(ledger.submit(report(ledger, 'x'.repeat(reportedProofCharactersMax + 1)))).toBe('schema.violation')
    // Quotes are escaped; a real file has some forty.
    const longest = report(ledger, 'x'.repeat(reportedProofCharactersMax - 100) + '"'.repeat(100))
    expect(ledger.submit(longest)).toBe('fault.not-proven')
  })
})

describe('a key of the register that contradicts itself', () => {
  const contradiction = (ledger: FoundedLedger, key: TestKey): Statement => report(ledger, file(ledger, key))
  const say = (ledger: FoundedLedger, key: TestKey): Statement =>
    ledger.statement('attest.hash@1', ledger.member('wuhan').party, key, {
      subject: 'document',
      hash: { algorithm: 'sha256', value: '0'.repeat(64) },
      mediaType: 'text/html',
      source: { system: 's', operator: 'role:o', method: 'm', software: 'w', occurredAt: '2026-03-10T09:00:00+08:00' },
    })

  it('signs no statement from the next block on, nor does a key that it lent to', () => {
    const ledger = found()
    const centre = keyOf('wuhan centre')
    const daily = keyOf('wuhan daily')
    const { party } = ledger.member('wuhan')
    const lending = {
      type: 'party.key-request@2',
      types: ['attest.hash'],
      delegator: centre.kid,
      notAfter: '2026-04-01T00:00:00Z',
    }
    const request = ledger.keyRequest(daily, party, [], lending)
    ledger.take(ledger.statement('key.delegate@1', party, centre, { request }), { member: 'wuhan' })
    expect(ledger.fork().submit(say(ledger, daily), { height: 4 })).toBe('accepted')
    ledger.take(contradiction(ledger, centre), { height: 5 })
    expect(frozenKey(ledger.state, centre.kid)).toMatchObject({ member: '', height: 5 })
    for (const key of [centre, daily]) {
      expect(ledger.fork().submit(say(ledger, key), { height: 5 })).toBe('accepted')
      expect(ledger.submit(say(ledger, key), { height: 6 })).toBe('key.frozen')
    }
    expect(ledger.submit(contradiction(ledger, seal), { height: 6 })).toBe('accepted')
  })
})
