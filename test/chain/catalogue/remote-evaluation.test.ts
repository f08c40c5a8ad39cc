import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { toBase64Url } from '../../../src/chain/bytes.ts'
import {
  drawCommitment,
  type EvaluationIdentity,
  evaluationLife,
  reportMessage,
  seatsMax,
} from '../../../src/chain/catalogue/remote-evaluation-life.ts'
import type { DocumentHash } from '../../../src/chain/catalogue/values.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import { kidOf } from '../../../src/chain/keys.ts'
import type { Statement } from '../../../src/chain/statement.ts'
import { type FoundedLedger, keyOf } from './founded-ledger.ts'
import { testStateTable } from './state-table.ts'
import { base, deadline, notice, tender } from './tender-fixture.ts'

// Guangzhou leads; of five seats three are at home, one in Wuhan, one in Hangzhou; three must sign.
type City = 'guangzhou' | 'beijing' | 'wuhan' | 'hangzhou'
const party = (city: City): string => base.member(city).party
const evaluation: EvaluationIdentity = { tender, section: '一标段', round: 1 }
const identity: JsonObject = { tender, section: '一标段', round: 1 }
const key = [tender.owner, tender.scheme, tender.code, '一标段', '1']
const { ledger: ledgerId } = base.genesis
const venueOf = ['guangzhou', 'guangzhou', 'guangzhou', 'wuhan', 'hangzhou'] as const
const regionOf = { guangzhou: '440100', wuhan: '420100', hangzhou: '330100' } as const
const seatKey = (seat: number) => keyOf(`evaluation seat ${seat}`)

const by = (ledger: FoundedLedger, city: City, type: string, fields: JsonObject): Statement =>
  ledger.statement(`remote-evaluation.${type}@1`, party(city), keyOf(`${city} centre`), { ...identity, ...fields })

const expert = (serial: number): string => `person:${serial.toString(16).padStart(2, '0').repeat(32)}`
const drawn = { experts: [1, 2, 3, 4].map(expert), reserves: [expert(9)], nonce: 'ab'.repeat(32) }
const commitment = drawCommitment(ledgerId, evaluation, drawn)

const draw = (ledger: FoundedLedger, fields: JsonObject = {}): Statement =>
  by(ledger, 'guangzhou', 'draw', { region: '440100', profile: 'construction', commitment, ...fields })
const seats: readonly JsonObject[] = venueOf.map((city, at) => ({
  venue: party(city),
  region: regionOf[city],
  capacity: at === 0 ? 'owner' : 'expert',
}))
const seat = (ledger: FoundedLedger, fields: JsonObject = {}): Statement =>
  by(ledger, 'guangzhou', 'seat', { threshold: 3, seats, ...fields })
const keysFor = (...numbers: readonly number[]): JsonObject => ({
  keys: numbers.map((number) => ({ seat: number, key: seatKey(number).kid })),
})
const accept = (ledger: FoundedLedger, city: City, fields?: JsonObject): Statement => {
  const own = venueOf.flatMap((venue, at) => (venue === city ? [at + 1] : []))
  return by(ledger, city, 'accept', fields ?? keysFor(...own))
}
const decline = (ledger: FoundedLedger): Statement => by(ledger, 'wuhan', 'decline', { reason: '评标室停电' })
const presence = (ledger: FoundedLedger, number: number, result = 'present', city?: City): Statement =>
  by(ledger, city ?? venueOf[number - 1]!, 'presence', {
    seat: number,
    result,
    evidence: { algorithm: 'sm3', value: '0e'.repeat(32) },
  })
const document: DocumentHash = { algorithm: 'sha256', value: '0d'.repeat(32) }
const signature = (seat: number, message = reportMessage(ledgerId, evaluation, seat, document)): JsonObject => ({
  seat,
  signature: toBase64Url(seatKey(seat).sign(message)),
})
const report = (ledger: FoundedLedger, signatures: readonly JsonObject[] = [1, 2, 4].map((seat) => signature(seat))) =>
  by(ledger, 'guangzhou', 'report', { report: { ...document }, signatures })
const reveal = (ledger: FoundedLedger, fields: JsonObject = {}): Statement =>
  by(ledger, 'guangzhou', 'reveal', { ...drawn, ...fields })
const cancel = (ledger: FoundedLedger): Statement => by(ledger, 'guangzhou', 'cancel', { reason: '投标人撤诉' })

const seated = (ledger: FoundedLedger, seating: JsonObject = {}): void => {
  ledger.take(draw(ledger))
  ledger.take(seat(ledger, seating))
}
const ready = (ledger: FoundedLedger): void => {
  seated(ledger)
  for (const city of ['guangzhou', 'wuhan', 'hangzhou'] as const) ledger.take(accept(ledger, city))
}
const evaluating = (ledger: FoundedLedger): void => {
  ready(ledger)
  for (const number of [1, 2, 3, 4]) ledger.take(presence(ledger, number))
}
const reported = (ledger: FoundedLedger): void => {
  evaluating(ledger)
  ledger.take(report(ledger))
}
const at = (bring: (ledger: FoundedLedger) => void): FoundedLedger => {
  const ledger = base.fork()
  bring(ledger)
  return ledger
}
const rowOf = (ledger: FoundedLedger) => evaluationLife.at(ledger.state, key, ledger.blockTime)
const codesOf = (ledger: FoundedLedger, statement: Statement): readonly string[] =>
  ledger.findings.get(ledger.take(statement))!.map(({ code }) => code.replace('remote-evaluation.', ''))

describe('a remote evaluation, state by event', () => {
  testStateTable({
    lifecycle: evaluationLife,
    ledger: base,
    key,
    arrive: {
      drawn: (ledger) => ledger.take(draw(ledger)),
      seated: (ledger) => {
        seated(ledger)
        ledger.take(accept(ledger, 'guangzhou'))
      },
      ready,
      evaluating,
      reported,
      revealed: (ledger) => {
        reported(ledger)
        ledger.take(reveal(ledger))
      },
      cancelled: (ledger) => {
        seated(ledger)
        ledger.take(cancel(ledger))
      },
    },
    events: {
      'remote-evaluation.draw': (ledger) => draw(ledger),
      'remote-evaluation.seat': (ledger) => seat(ledger),
      'remote-evaluation.accept': (ledger) => accept(ledger, 'wuhan'),
      'remote-evaluation.decline': decline,
      'remote-evaluation.presence': (ledger) => presence(ledger, 5),
      'remote-evaluation.report': (ledger) => report(ledger),
      'remote-evaluation.reveal': (ledger) => reveal(ledger),
      'remote-evaluation.cancel': cancel,
    },
  })
})

describe('what is hashed and signed outside the ledger', () => {
  const odd = { tender: { owner: 'uscc:914403001922038216', scheme: 'national', code: '穗〔2026〕7号' }, round: 2 }
  const ledger = '11'.repeat(32)

  it('the commitment is the SHA-256 of this text, which any JSON library with RFC 8785 gives', () => {
    const text =
      `{"code":"穗〔2026〕7号","experts":["${expert(1)}"],"ledger":"${ledger}","nonce":"${'ab'.repeat(32)}",` +
      `"owner":"uscc:914403001922038216","reserves":["${expert(9)}"],"round":2,"scheme":"national","section":"",` +
      '"type":"remote-evaluation.draw-commitment@1"}'
    const hash = createHash('sha256').update(text).digest('hex')
    expect(drawCommitment(ledger, odd, { ...drawn, experts: [expert(1)] })).toBe(hash)
  })

  it('a seat signs this text', () => {
    expect(Buffer.from(reportMessage(ledger, odd, 4, document)).toString()).toBe(
      `{"code":"穗〔2026〕7号","ledger":"${ledger}","owner":"uscc:914403001922038216",` +
        `"report":"sha256:${'0d'.repeat(32)}","round":2,"scheme":"national","seat":4,"section":"",` +
        '"type":"remote-evaluation.report-signature@1"}',
    )
  })
})

describe('the draw', () => {
  it('revealed must be the one committed to, to the last id, order and nonce', () => {
    const ledger = at(reported)
    const code = 'remote-evaluation.draw-mismatch'
    const [first, second, ...rest] = drawn.experts
    expect(ledger.submit(reveal(ledger, { nonce: 'ac'.repeat(32) }))).toBe(code)
    expect(ledger.submit(reveal(ledger, { experts: [second!, first!, ...rest] }))).toBe(code)
    expect(ledger.submit(reveal(ledger, { experts: [expert(7), second!, ...rest] }))).toBe(code)
    expect(ledger.submit(reveal(ledger, { reserves: [] }))).toBe(code)
    const moved = [...drawn.experts, ...drawn.reserves]
    expect(ledger.submit(reveal(ledger, { experts: moved, reserves: [] }))).toBe(code)
    expect(codesOf(ledger, reveal(ledger))).toEqual([])
  })

  it('commits to this ledger, tender, section and round only', () => {
    const others = [
      drawCommitment('00'.repeat(32), evaluation, drawn),
      drawCommitment(ledgerId, { ...evaluation, round: 2 }, drawn),
      drawCommitment(ledgerId, { tender, round: 1 }, drawn),
      drawCommitment(ledgerId, { ...evaluation, tender: { ...tender, code: '另' } }, drawn),
    ]
    expect(new Set([commitment, ...others]).size).toBe(5)
  })

  it('never names anybody', () => {
    const ledger = at(reported)
    expect(ledger.submit(reveal(ledger, { expertNames: ['某某'] }))).toBe('personal-data.refused')
    expect(ledger.submit(reveal(ledger, { experts: ['张三'] }))).toBe('schema.violation')
  })

  it('that does not fill the seats, or draws somebody twice, is in with findings', () => {
    const withDraw = (draw: typeof drawn, replaced: readonly number[] = []) => {
      const ledger = base.fork()
      const commitment = drawCommitment(ledgerId, evaluation, draw)
      ledger.take(by(ledger, 'guangzhou', 'draw', { region: '440100', commitment }))
      ledger.take(seat(ledger))
      for (const city of ['guangzhou', 'wuhan', 'hangzhou'] as const) ledger.take(accept(ledger, city))
      for (const number of [1, 2, 3, 4]) {
        ledger.take(presence(ledger, number, replaced.includes(number) ? 'replaced' : 'present'))
      }
      ledger.take(report(ledger))
      return codesOf(ledger, reveal(ledger, draw))
    }
    expect(withDraw(drawn, [2])).toEqual([])
    expect(withDraw({ ...drawn, experts: drawn.experts.slice(1) })).toEqual(['draw-unlike-seats'])
    expect(withDraw({ ...drawn, reserves: [expert(1)] })).toEqual(['expert-twice'])
    expect(withDraw(drawn, [2, 3])).toEqual(['more-replaced-than-reserves'])
    // The owner's representative was never drawn; whoever stands in for it needs no reserve.
    expect(withDraw(drawn, [1, 2])).toEqual([])
  })
})

describe('the seats', () => {
  it('are assigned, reported, revealed and cancelled by the lead', () => {
    const code = 'remote-evaluation.not-lead'
    const drawnOnly = at((ledger) => ledger.take(draw(ledger)))
    expect(drawnOnly.submit(by(drawnOnly, 'beijing', 'seat', { threshold: 1, seats }))).toBe(code)
    expect(drawnOnly.submit(by(drawnOnly, 'beijing', 'cancel', { reason: '无' }))).toBe(code)
    const done = at(evaluating)
    const { signatures, report: hash } = report(done).payload as { signatures: JsonObject[]; report: JsonObject }
    expect(done.submit(by(done, 'wuhan', 'report', { signatures, report: hash }))).toBe(code)
    done.take(report(done))
    expect(done.submit(by(done, 'wuhan', 'reveal', { ...drawn }))).toBe(code)
  })

  it('are at least as many as must sign', () => {
    const ledger = at((ledger) => ledger.take(draw(ledger)))
    expect(ledger.submit(seat(ledger, { threshold: 6 }))).toBe('remote-evaluation.threshold-too-high')
    expect(ledger.submit(seat(ledger, { threshold: 5 }))).toBe('accepted')
    const many = Array.from({ length: seatsMax + 1 }, () => seats[1]!)
    expect(ledger.submit(seat(ledger, { seats: many }))).toBe('schema.violation')
  })

  it('all in the tender’s own city, too few, even, or with too few experts: in, with findings', () => {
    const findings = (seats: readonly JsonObject[], profile = 'construction') => {
      const ledger = base.fork()
      ledger.take(draw(ledger, { profile }))
      return ledger.findings.get(ledger.take(seat(ledger, { seats: [...seats], threshold: 1 })))
    }
    const name = (code: string, ...values: string[]) => ({ code: `remote-evaluation.${code}`, values })
    expect(findings(seats)).toEqual([])
    const home = seats.map((seat, at) => ({ ...seat, region: at === 1 ? '440106' : '440100' }))
    expect(findings(home)).toEqual([name('own-city-only', '440100')])
    expect(findings(seats.slice(2))).toEqual([name('too-few-seats', '3', '5')])
    expect(findings(seats.slice(2), 'procurement.negotiation')).toEqual([])
    expect(findings([...seats, seats[4]!])).toEqual([name('even-seats', '6')])
    const owners = seats.map((seat, at) => ({ ...seat, capacity: at < 2 ? 'owner' : 'expert' }))
    expect(findings(owners)).toEqual([name('too-few-experts', '3', '5')])
    expect(findings(seats.slice(3), 'land')).toEqual([])
  })

  it('are judged by the tender’s own region and kind of trade, where it is on the ledger', () => {
    const ledger = base.fork()
    ledger.take(notice(ledger))
    ledger.take(draw(ledger, { region: '420100', profile: 'other' }))
    expect(rowOf(ledger)?.row).toMatchObject({ region: '440100', profile: 'construction' })
  })

  it('of a tender on the ledger are led by who speaks for it', () => {
    const ledger = base.fork()
    const byWuhan = (): Statement => by(ledger, 'wuhan', 'draw', { region: '440100', commitment })
    expect(ledger.fork().submit(byWuhan())).toBe('accepted')
    ledger.take(notice(ledger))
    expect(ledger.submit(byWuhan())).toBe('tender.not-entitled')
    expect(ledger.submit(draw(ledger))).toBe('accepted')
  })
})

describe('a venue', () => {
  it('takes exactly its own seats, once', () => {
    const ledger = at(seated)
    const mismatch = 'remote-evaluation.seats-mismatch'
    expect(ledger.submit(accept(ledger, 'beijing', keysFor(1)))).toBe('remote-evaluation.not-a-venue')
    expect(ledger.submit(accept(ledger, 'wuhan', keysFor(4, 5)))).toBe(mismatch)
    expect(ledger.submit(accept(ledger, 'wuhan', keysFor(5)))).toBe(mismatch)
    expect(ledger.submit(accept(ledger, 'wuhan', keysFor(4, 4)))).toBe(mismatch)
    expect(ledger.submit(accept(ledger, 'guangzhou', keysFor(1, 2)))).toBe(mismatch)
    ledger.take(accept(ledger, 'wuhan'))
    expect(ledger.submit(accept(ledger, 'wuhan'))).toBe('remote-evaluation.accepted-already')
    expect(rowOf(ledger)?.state).toBe('seated')
  })

  it('gives each seat a key of its own that serves once', () => {
    const used = 'remote-evaluation.seat-key-used'
    const ledger = at(seated)
    const same = { keys: [1, 2, 3].map((seat) => ({ seat, key: seatKey(1).kid })) }
    expect(ledger.submit(accept(ledger, 'guangzhou', same))).toBe(used)
    const registered = { keys: [{ seat: 4, key: keyOf('beijing centre').kid }] }
    expect(ledger.submit(accept(ledger, 'wuhan', registered))).toBe(used)
    ledger.take(accept(ledger, 'wuhan'))
    const wuhans = { keys: [{ seat: 5, key: seatKey(4).kid }] }
    expect(ledger.submit(accept(ledger, 'hangzhou', wuhans))).toBe(used)
    const nextRound = { round: 2 }
    ledger.take(by(ledger, 'guangzhou', 'draw', { region: '440100', commitment, ...nextRound }))
    ledger.take(seat(ledger, nextRound))
    expect(ledger.submit(accept(ledger, 'wuhan', { ...nextRound, ...keysFor(4) }))).toBe(used)
  })

  it('gives keys that can be keys', () => {
    const ledger = at(seated)
    // The point of order two: signatures under it verify for any message.
    const small = Uint8Array.of(1, 0xec, ...Array.from({ length: 30 }, () => 0xff), 0x7f)
    const unknown = toBase64Url(Uint8Array.of(9, ...new Uint8Array(32)))
    for (const key of [kidOf(small), unknown]) {
      expect(ledger.submit(accept(ledger, 'wuhan', { keys: [{ seat: 4, key }] }))).toBe(
        'remote-evaluation.seat-key-bad',
      )
    }
  })

  it('that declines sends the seating back, and may take the same keys again', () => {
    const ledger = at(ready)
    expect(ledger.submit(by(ledger, 'beijing', 'decline', { reason: '无' }))).toBe('remote-evaluation.not-a-venue')
    ledger.take(decline(ledger))
    expect(rowOf(ledger)).toMatchObject({ state: 'drawn', row: { seats: [], threshold: 0 } })
    ledger.take(seat(ledger))
    for (const city of ['guangzhou', 'wuhan', 'hangzhou'] as const) ledger.take(accept(ledger, city))
    expect(rowOf(ledger)?.state).toBe('ready')
  })

  it('seated anew accepts anew', () => {
    const ledger = at(seated)
    ledger.take(accept(ledger, 'wuhan'))
    ledger.take(seat(ledger))
    expect(ledger.submit(accept(ledger, 'wuhan'))).toBe('accepted')
  })

  it('records presence after all have accepted, for its own seats, and does not rewrite it', () => {
    const early = at(seated)
    expect(early.submit(presence(early, 4))).toBe('remote-evaluation.wrong-state')
    const ledger = at(ready)
    expect(ledger.submit(presence(ledger, 4, 'present', 'hangzhou'))).toBe('remote-evaluation.not-its-seat')
    expect(ledger.submit(presence(ledger, 4, 'present', 'beijing'))).toBe('remote-evaluation.not-a-venue')
    ledger.take(presence(ledger, 4, 'absent'))
    ledger.take(presence(ledger, 4, 'replaced'))
    expect(ledger.submit(presence(ledger, 4, 'absent'))).toBe('remote-evaluation.presence-recorded')
    expect(rowOf(ledger)?.row.seats.map(({ presence }) => presence)).toEqual(['', '', '', 'replaced', ''])
    const face = by(ledger, 'hangzhou', 'presence', { ...presence(ledger, 5).payload, faceImage: 'ab' })
    expect(ledger.submit(face)).toBe('personal-data.refused')
  })
})

describe('the report', () => {
  it('needs as many signatures as were agreed, of seats that were taken', () => {
    const ledger = at(evaluating)
    const of = (...seats: number[]): string =>
      ledger.submit(
        report(
          ledger,
          seats.map((seat) => signature(seat)),
        ),
      )
    expect(of(1, 2)).toBe('remote-evaluation.too-few-signatures')
    expect(of(1, 2, 6)).toBe('remote-evaluation.unknown-seat')
    expect(of(1, 2, 2)).toBe('remote-evaluation.unknown-seat')
    expect(of(1, 2, 5)).toBe('remote-evaluation.seat-not-present')
    expect(of(4, 2, 1)).toBe('accepted')
    expect(rowOf(ledger)?.row.signed).toEqual([1, 2, 4])
  })

  it('with a bad signature is refused: of another seat, report, round, ledger', () => {
    const ledger = at(evaluating)
    const bad = (message: Uint8Array): string =>
      ledger.submit(report(ledger, [signature(1), signature(2), signature(4, message)]))
    const other: DocumentHash = { algorithm: 'sm3', value: document.value }
    for (const message of [
      reportMessage(ledgerId, evaluation, 3, document),
      reportMessage(ledgerId, evaluation, 4, other),
      reportMessage(ledgerId, { ...evaluation, round: 2 }, 4, document),
      reportMessage('00'.repeat(32), evaluation, 4, document),
    ]) {
      expect(bad(message)).toBe('remote-evaluation.bad-signature')
    }
    const swapped = { seat: 4, signature: signature(1).signature! }
    expect(ledger.submit(report(ledger, [signature(1), signature(2), swapped]))).toBe('remote-evaluation.bad-signature')
    // 86 characters whose last one has bits that no 64 bytes give.
    const uncanonical = { seat: 4, signature: `${'A'.repeat(85)}B` }
    expect(ledger.submit(report(ledger, [signature(1), signature(2), uncanonical]))).toBe(
      'remote-evaluation.bad-signature',
    )
  })

  it('without the signature of some seat is in, with a finding that names the seats', () => {
    const ledger = at(evaluating)
    const index = ledger.take(report(ledger))
    expect(ledger.findings.get(index)).toEqual([{ code: 'remote-evaluation.seat-unsigned', values: ['3, 5'] }])
    const all = at(evaluating)
    all.take(presence(all, 5))
    expect(
      codesOf(
        all,
        report(
          all,
          [1, 2, 3, 4, 5].map((seat) => signature(seat)),
        ),
      ),
    ).toEqual([])
  })

  it('is not taken in before the opening of a tender on the ledger', () => {
    const ledger = base.fork()
    ledger.take(notice(ledger))
    evaluating(ledger)
    expect(ledger.submit(report(ledger))).toBe('sealed.too-early')
    ledger.blockTime = deadline
    expect(ledger.submit(report(ledger))).toBe('accepted')
    expect(rowOf(ledger)?.since).toBe(deadline)
  })

  it('of a whole life replayed gives the same rows and findings', () => {
    const live = base.fork()
    const statements: Statement[] = []
    const take = (statement: Statement): void => {
      statements.push(statement)
      live.take(statement)
    }
    take(draw(live))
    take(seat(live))
    for (const city of ['guangzhou', 'wuhan', 'hangzhou'] as const) take(accept(live, city))
    for (const number of [1, 2, 3, 4]) take(presence(live, number))
    take(report(live))
    take(reveal(live))
    const again = base.fork()
    for (const statement of statements) again.take(statement)
    expect(again.rows()).toEqual(live.rows())
    expect(again.findings).toEqual(live.findings)
  })
})
