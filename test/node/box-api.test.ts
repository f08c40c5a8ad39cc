/** Boxes over HTTP, on whole nodes: a leaf in, a receipt out, nothing to be seen before the close, and everything in its place after it. */
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { BidReceiptAnswer, BoxAnswer, BoxListAnswer, PlaceAnswer } from '../../src/api/box-answers.ts'
import { buildPublicServer } from '../../src/api/server.ts'
import { fromHex } from '../../src/chain/bytes.ts'
import { keyFromKid, verifySignature } from '../../src/chain/keys.ts'
import { bidReceiptMessage, verifyPlaced } from '../../src/chain/quiet-box.ts'
import { Queries } from '../../src/node/queries.ts'
import { type Answer, type Harness, harness, saysNo } from '../api/harness.ts'
import { BoxStage } from './box-stage.ts'
import { ReplicaWorld } from './replica-world.ts'

const door = 'beijing'
let stage: BoxStage
let server: Harness<Queries>

beforeAll(async () => {
  const world = new ReplicaWorld(4, { parameters: { boxRoundMs: 5_000, boxFastRoundMs: 1_000 } })
  world.startAll()
  world.electLeader()
  stage = new BoxStage(world, '永春（滨水）01', { deadlineMs: 20_000 })
  const { node } = world.member(door).member
  const service = new Queries(
    { rules: world.rules, member: door, node: node.id, version: 'test' },
    {
      clock: world.clock,
      signer: {
        publicKey: (purpose) => world.publicKey(door, purpose),
        sign: (purpose, message, done) => done(world.sign(door, purpose, message)),
      },
      replica: world.replica(door),
      metrics: () => Promise.resolve(''),
    },
  )
  server = harness(service, await buildPublicServer({}, { service, onFailure: () => undefined }))
})
afterAll(() => server.app.close())

/** What needs the node's clock: the call is on its way before the clock moves. */
async function handIn(body: unknown): Promise<Answer> {
  let answer: Answer | undefined
  const call = server.post('/v1/boxes/leaves', body).then((given) => {
    answer = given
  })
  while (answer === undefined) {
    await turn()
    stage.world.clock.advance(1)
  }
  await call
  return answer
}

const path = (): string => {
  const { owner, scheme, code } = stage.about.tender
  return `/v1/boxes/${[owner, scheme, code].map(encodeURIComponent).join('/')}`
}
const body = (leaf: string) => ({ tender: stage.about.tender, leaf })

it('a leaf gets a receipt under the node’s seal key, the same one again', async () => {
  const { leaf } = stage.bid('bidder')
  const answer = await handIn(body(leaf))
  expect(answer.statusCode).toBe(201)
  const { bidReceipt } = answer.json<BidReceiptAnswer>()
  const { node } = stage.world.member(door).member
  expect(bidReceipt).toMatchObject({ member: door, node: node.id, leaf, tender: stage.about.tender, section: '' })
  const { epoch, ledger, signature, ...receipt } = bidReceipt
  const message = bidReceiptMessage({ ledger, epoch }, receipt)
  expect(verifySignature(keyFromKid(node.seal)!, message, fromHex(signature)!)).toBe(true)
  expect((await handIn(body(leaf))).json()).toEqual({ bidReceipt })
})

it('what is not a leaf, and where there is no box, is refused by name', async () => {
  expect(saysNo(await server.post('/v1/boxes/leaves', { tender: stage.about.tender }))).toEqual([
    400,
    'request.body-invalid',
  ])
  expect(saysNo(await server.post('/v1/boxes/leaves', body('00')))).toEqual([400, 'request.body-invalid'])
  expect(saysNo(await server.post('/v1/boxes/leaves', { ...body('00'.repeat(32)), more: 1 }))).toEqual([
    400,
    'request.body-invalid',
  ])
  const elsewhere = { ...stage.about.tender, code: 'nowhere' }
  expect(saysNo(await handIn({ tender: elsewhere, leaf: '00'.repeat(32) }))).toEqual([422, 'box.unknown'])
  expect(saysNo(await server.get(`${path()}x`))).toEqual([404, 'subject.not-found'])
})

it('shows nothing before the close, and everything in its place after it', async () => {
  const { leaf } = stage.bid('bidder')
  const before = (await server.get(path())).json<BoxAnswer>()
  expect(before).toMatchObject({ instance: { state: 'open' }, closes: [], tally: null })
  expect(saysNo(await server.get(`${path()}/leaves`))).toEqual([404, 'box.not-closed'])
  expect(saysNo(await server.get(`${path()}/leaves/${leaf}`))).toEqual([404, 'box.not-closed'])
  stage.untilClosed()
  const after = (await server.get(path())).json<BoxAnswer>()
  expect(after.closes.map(({ member, count }) => `${member} ${count}`).toSorted()).toEqual([
    'beijing 1',
    'guangzhou 0',
    'hangzhou 0',
    'wuhan 0',
  ])
  expect(after.tally).toEqual({ leaves: 1, bids: 0, replaced: 0, withdrawn: 0, notRevealed: 1 })
  const { leaves } = (await server.get(`${path()}/leaves`)).json<BoxListAnswer>()
  expect(leaves).toMatchObject([{ leaf }])
  const place = (await server.get(`${path()}/leaves/${leaf}`)).json<PlaceAnswer>()
  verifyPlaced(after.closes.find(({ member }) => member === door)!, { leaf, ...place })
  expect(saysNo(await server.get(`${path()}/leaves/${'00'.repeat(32)}`))).toEqual([404, 'subject.not-found'])
  expect(saysNo(await handIn(body(stage.bid('late').leaf)))).toEqual([409, 'box.not-open'])
})
