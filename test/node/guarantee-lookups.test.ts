/** Look-ups of e-guarantees over HTTP, read from a state that the catalogue's rules have made; every answer is held against /openapi.json. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildPublicServer } from '../../src/api/server.ts'
import type { GuaranteeAnswer, GuaranteeStatisticsAnswer, TenderGuaranteeRow } from '../../src/api/trade-answers.ts'
import { formatTime } from '../../src/chain/time.ts'
import type { Replica } from '../../src/node/replica.ts'
import { TradeLookups } from '../../src/node/trade-lookups.ts'
import { FakeLedger } from '../api/fake-ledger.ts'
import { type Harness, harness } from '../api/harness.ts'
import {
  accept,
  bank,
  base,
  bidder,
  claim,
  ended,
  number,
  opened,
  owner,
  pay,
  release,
  revealed,
  tender,
  yuan,
} from '../chain/catalogue/guarantee-world.ts'

const ledger = base.fork()
ledger.blockTime = opened + 1_000
revealed(ledger)
const claimedAt = opened + 60_000
ledger.blockTime = claimedAt
ledger.take(claim(ledger, { amount: yuan('100000') }))
ledger.blockTime += 60_000
ledger.take(accept(ledger))
ledger.take(pay(ledger, { amount: yuan('100000') }))
ledger.blockTime += 60_000
ledger.take(release(ledger))

const trade = new TradeLookups({
  catalogue: ledger.catalogue,
  replica: { ledger: { committed: { state: ledger.state, time: ledger.blockTime } } } as unknown as Replica,
  clock: { wall: () => ledger.blockTime, monotonic: () => 0, after: () => () => undefined },
  whole: (read) => read(),
})

let server: Harness
beforeAll(async () => {
  const service = Object.assign(new FakeLedger(), { trade })
  server = harness(service, await buildPublicServer({}, { service, onFailure: () => undefined }))
})
afterAll(() => server.app.close())

const path = (...parts: readonly string[]): string => parts.map(encodeURIComponent).join('/')
const one = `/v1/guarantees/${path(bank, number)}`
const ofTender = `/v1/tenders/${path(owner, tender.scheme, tender.code)}/guarantees`
const at = (time: number): string => `?at=${encodeURIComponent(formatTime(time))}`

describe('a guarantee', () => {
  it('stands where its one use does, with its application, uses and terms', async () => {
    const answer = (await server.get(one, { 'accept-language': 'en' })).json<GuaranteeAnswer>()
    expect(answer).toMatchObject({
      state: 'released',
      stateTitle: 'Released',
      instance: { state: 'issued', fields: { amount: '400000', paid: '100000', held: '0' } },
      application: { state: 'issued' },
    })
    expect(answer.uses).toMatchObject([{ tender, section: '', state: 'released', fields: { bidder, paid: '100000' } }])
  })

  it('is shown as it stood at any time', async () => {
    const stateAt = async (time: number): Promise<string | null> =>
      (await server.get(one + at(time))).json<GuaranteeAnswer>().state
    expect((await server.get(one + at(opened))).statusCode).toBe(404)
    expect(await stateAt(opened + 1_000)).toBe('revealed')
    expect(await stateAt(claimedAt)).toBe('claimed')
    expect(await stateAt(claimedAt + 60_000)).toBe('revealed')
    expect(await stateAt(ended + 1)).toBe('released')
  })

  it('is also a table', async () => {
    const csv = await server.get(`${one}?format=csv&csv=plain`)
    expect(csv.headers['content-type']).toContain('text/csv')
    expect(csv.body.split('\n')[0]).toContain('type,status')
    expect((await server.get(`${one}?format=xlsx`)).headers['content-type']).toContain('spreadsheetml')
  })

  it('that nobody issued is not found, in any format', async () => {
    expect((await server.get(`/v1/guarantees/${path(bank, 'BH-0')}?format=csv`)).statusCode).toBe(404)
    expect((await server.get(`/v1/guarantees/${path(bank, 'BH-0')}`)).statusCode).toBe(404)
  })
})

describe('the guarantees of a tender', () => {
  it('are a list, also as a table', async () => {
    const list = (await server.get(ofTender)).json<{ guarantees: readonly TenderGuaranteeRow[]; nextCursor: null }>()
    expect(list.guarantees).toMatchObject([
      { issuer: bank, number, bidder, state: 'released', amount: '400000', paid: '100000', currency: 'CNY' },
    ])
    expect(list.nextCursor).toBeNull()
    expect((await server.get(`${ofTender}?cursor=1`)).json().guarantees).toEqual([])
    expect((await server.get(`${ofTender}?cursor=x`)).statusCode).toBe(400)
    expect((await server.get(`${ofTender}?format=csv&csv=plain`)).body.split('\n')[1]).toContain(`${bank},${number}`)
    // The trade writes 万元; here all sums are in one unit, and the head says which.
    expect((await server.get(`${ofTender}?format=csv`)).body.split('\n')[0]).toContain(
      '保函金额（币种的基本单位，如元）',
    )
  })

  it('are counted by state and issuer, as of any time', async () => {
    const statistics = (await server.get(`${ofTender}/statistics`)).json<GuaranteeStatisticsAnswer>().statistics
    const tally = { count: 1, amount: '400000', paid: '100000' }
    expect(statistics).toEqual([
      {
        currency: 'CNY',
        all: tally,
        byState: [{ state: 'released', stateTitle: '已解除', ...tally }],
        byIssuer: [{ issuer: bank, ...tally }],
      },
    ])
    expect((await server.get(`${ofTender}/statistics${at(opened)}`)).json().statistics).toEqual([])
  })
})

describe('credit', () => {
  it('of an organisation that nobody has decided about is an empty list', async () => {
    expect((await server.get(`/v1/credit/${path(bidder)}`)).json().decisions).toEqual([])
    expect((await server.get('/v1/credit/uscc:1')).statusCode).toBe(400)
  })
})
