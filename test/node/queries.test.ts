/**
 * What the node answers, where the end-to-end tests cannot look: what is left behind when submitters give up or go, how long a list keeps
 * the loop waiting, and what is said of a record that is on the ledger and not attested. The nodes are whole; what `Queries` is told of
 * attestation is the test's.
 */
import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sha256 } from '#crypto'
import type { VerifyItem } from '../../src/api/answers.ts'
import { readItem, type Sought, verify } from '../../src/api/verification.ts'
import type { Attestation } from '../../src/chain/block.ts'
import { toBase64Url, toHex, u64, utf8 } from '../../src/chain/bytes.ts'
import { encodeCbor } from '../../src/chain/cbor.ts'
import type { JsonObject } from '../../src/chain/json.ts'
import { parseStatement, signStatement } from '../../src/chain/statement.ts'
import { formatTime } from '../../src/chain/time.ts'
import type { IntakeResult, Pending } from '../../src/node/intake.ts'
import { Queries } from '../../src/node/queries.ts'
import type { Replica } from '../../src/node/replica.ts'
import { heightOfNamedKey } from '../../src/node/store-rows.ts'
import { keyOf } from '../chain/catalogue/founded-ledger.ts'
import { ReplicaWorld } from './replica-world.ts'

const world = new ReplicaWorld(4, { cheapSignatures: true })
world.startAll()
world.electLeader()
const first = world.statement('beijing', 'first')
for (const jws of [first, ...Array.from({ length: 200 }, (_, i) => world.statement('beijing', `record ${i}`))]) {
  world.submit('beijing', jws)
}
world.settle()
const node = world.replica('beijing')
const { member } = world.member('beijing')

/** The node's queries, with the attestation that this test lets it know of. */
function queriesOf(
  known: { attested: Attestation | undefined; leavesRead: number },
  result?: IntakeResult,
  scan?: Replica['store']['scan'],
): Queries {
  const store = Object.create(node.store, {
    leaf: {
      value: (index: number) => {
        known.leavesRead++
        return node.store.leaf(index)
      },
    },
    scan: {
      value:
        scan ??
        ((...asked: Parameters<typeof node.store.scan>) => {
          node.store.scan(...asked)
          world.clock.advance(5) // the memory disk answers in virtual time
        }),
    },
    // Not on the disk yet.
    attestation: { value: () => undefined },
    block: { value: (at: never) => node.store.block(at) },
    place: { value: (at: never) => node.store.place(at) },
    heightOfLeaf: { value: (index: number) => node.store.heightOfLeaf(index) },
    namedIn: { value: (...asked: Parameters<typeof node.store.namedIn>) => node.store.namedIn(...asked) },
    hashReader: { value: (size: number) => node.store.hashReader(size) },
  }) as Replica['store']
  const replica = {
    get attested() {
      return known.attested
    },
    epoch: node.epoch,
    ledger: node.ledger,
    store,
    submit: (_jws: string, done: (result: IntakeResult) => void) => done(result!),
  } as unknown as Replica
  return new Queries(
    { rules: world.rules, member: member.id, node: member.node.id, version: 'test' },
    {
      clock: world.clock,
      signer: {
        publicKey: (purpose) => world.publicKey('beijing', purpose),
        sign: (purpose, message, done) => done(world.sign('beijing', purpose, message)),
      },
      replica,
      metrics: () => Promise.resolve(''),
    },
  )
}

const indexOfFirst = node.store.indexOfStatement(parseStatement(first, world.genesis.ledger).id)!
const nothing = () => ({ attested: undefined as Attestation | undefined, leavesRead: 0 })
const known: IntakeResult = { kind: 'known', index: indexOfFirst }

/** A statement that was taken in here and is not on the ledger yet. */
const pendingOf = (jws: string): Pending =>
  ({
    statement: parseStatement(jws, world.genesis.ledger),
    receipt: {
      statement: '',
      node: '',
      receivedAt: 0,
      attestedSize: 0,
      by: 0,
      epoch: 0,
      signature: new Uint8Array(64),
    },
    settlement: undefined,
    onSettled: new Set(),
  }) as unknown as Pending

const listeners = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length

describe('a submission', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('leaves nothing on its connection’s signal once it is answered', async () => {
    const { signal } = new AbortController()
    const refused = queriesOf(nothing(), { kind: 'refused', code: 'key.unknown', detail: '', fields: [] })
    await refused.submit(first, { waitMs: 1000, signal })
    const answered = queriesOf({ attested: node.attested, leavesRead: 0 }, known)
    expect((await answered.submit(first, { waitMs: 1000, signal })).kind).toBe('done')
    expect(listeners(signal)).toBe(0)
  })

  it('leaves nothing to be done at the attestation when its submitter has gone or given up', async () => {
    const told = nothing()
    const queries = queriesOf(told, known)
    const connection = new AbortController()
    const gone = queries.submit(first, { waitMs: 10_000, signal: connection.signal })
    const impatient = queries.submit(first, { waitMs: 0 })
    connection.abort(new Error('gone'))
    await expect(gone).rejects.toThrow('gone')
    await vi.advanceTimersByTimeAsync(10_000)
    await impatient
    told.attested = node.attested
    queries.attested(node.attested!)
    await vi.advanceTimersByTimeAsync(0)
    expect(told.leavesRead).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('of a connection that is gone already is not begun', async () => {
    await expect(queriesOf(nothing()).submit(first, { waitMs: 1, signal: AbortSignal.abort() })).rejects.toThrow()
  })

  it('of a record that is not attested yet waits for that, even in haste, and is never told that it is not there', async () => {
    const told = nothing()
    const queries = queriesOf(told, known)
    const inHaste = queries.submit(first, { waitMs: 0 })
    await vi.advanceTimersByTimeAsync(500)
    told.attested = node.attested
    queries.attested(node.attested!)
    expect(await inHaste).toMatchObject({ kind: 'done', duplicate: true, record: { index: indexOfFirst } })

    const stalled = queriesOf(nothing(), known).submit(first, { waitMs: 0 })
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await stalled).toMatchObject({ kind: 'refused', code: 'ledger.no-quorum' })
  })

  it('that waits when its node stops is answered with its receipt: at once if need be, and never left to the end of the line', async () => {
    const taken = { kind: 'taken', pending: pendingOf(first), again: false } as const
    const queries = queriesOf(nothing(), taken)
    const waiting = queries.submit(first, { waitMs: 60_000 })
    queries.stop()
    await vi.advanceTimersByTimeAsync(3_000)
    const shown = { kind: 'pending', statementId: taken.pending.statement.id, status: 'accepted' }
    expect(await waiting).toMatchObject(shown)
    expect(await queries.submit(first, { waitMs: 60_000 })).toMatchObject(shown)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that waits for the attestation of what is known is told that its node stops', async () => {
    const queries = queriesOf(nothing(), known)
    const waiting = queries.submit(first, { waitMs: 60_000 })
    queries.stop()
    await vi.advanceTimersByTimeAsync(3_000)
    expect(await waiting).toMatchObject({ kind: 'refused', code: 'node.stopping' })
  })

  it('that is attested while its node stops is answered so', async () => {
    const told = nothing()
    const queries = queriesOf(told, known)
    const waiting = queries.submit(first, { waitMs: 60_000 })
    queries.stop()
    await vi.advanceTimersByTimeAsync(500)
    told.attested = node.attested
    queries.attested(node.attested!)
    expect(await waiting).toMatchObject({ kind: 'done' })
  })
})

describe('a list', () => {
  it('lets the node’s loop have its turn while it goes through leaves that do not match', async () => {
    const queries = queriesOf({ attested: node.attested, leavesRead: 0 })
    let turns = 0
    let isDone = false
    const turn = (): void => {
      turns++
      if (!isDone) setImmediate(turn)
    }
    setImmediate(turn)
    const page = await queries.records({ type: 'refusal' }, null, 100).finally(() => {
      isDone = true
    })
    expect(page.records).toEqual([])
    expect(turns).toBeGreaterThanOrEqual(3)
  })

  it('ends at its end time, whether or not what lies there matches', async () => {
    const told = { attested: node.attested, leavesRead: 0 }
    const page = await queriesOf(told).records({ type: 'refusal', to: world.genesis.foundedAt + 1 }, null, 100)
    expect(page).toMatchObject({ records: [], nextCursor: null })
    expect(told.leavesRead).toBeLessThan(5)
  })

  it.each(['.1', '.9007199254740993', ''])('takes no cursor but its own: %s', async (more) => {
    const queries = queriesOf({ attested: node.attested, leavesRead: 0 })
    const filter = { type: 'attest.hash@1' }
    const { nextCursor } = await queries.records(filter, null, 2)
    const [mark, index] = Buffer.from(nextCursor!, 'base64url').toString().split('.')
    const forged = toBase64Url(utf8(more === '.1' ? `${mark}.${index}.1` : `${mark}${more}`))
    await expect(queries.records(filter, forged, 2)).rejects.toThrow(
      expect.objectContaining({ code: 'request.bad-cursor' }),
    )
  })

  it('reads of its index what the page wants, and goes on behind it', async () => {
    const { records } = await queriesOf(nothing()).records({ party: member.party }, null, 100)
    const indices = encodeCbor(records.map(({ index }) => index))
    const blocks = 30
    let rowsRead = 0
    const scan: Replica['store']['scan'] = ({ gte, limit = blocks }, visit, done) => {
      const from = Math.max(1, heightOfNamedKey(gte))
      for (let at = from; at <= blocks && at < from + limit; at++) {
        rowsRead++
        if (visit(u64(at), indices) === false) break
      }
      queueMicrotask(() => done(true))
    }
    const queries = queriesOf(nothing(), undefined, scan)
    expect((await queries.records({ party: member.party }, null, 20)).records).toHaveLength(20)
    expect(rowsRead).toBeLessThan(5)
    rowsRead = 0
    expect((await queries.records({ party: member.party }, null, 10_000)).records).toHaveLength(blocks * 100)
    expect(rowsRead).toBe(blocks)
  })

  it('by several fields reads no record that lacks one of them', async () => {
    const told = nothing()
    const queries = queriesOf(told)
    const kid = queries.recordByIndex(indexOfFirst)!.kid!
    expect((await queries.records({ kid }, null, 300)).records.length).toBeGreaterThan(100)
    told.leavesRead = 0
    const hash = `sha256:${toHex(sha256(utf8('record 150')))}`
    const filter = { kid, party: member.party, type: 'attest.hash@1', hash }
    expect((await queries.records(filter, null, 300)).records.map(({ about }) => about.hashes)).toEqual([[hash]])
    expect(told.leavesRead).toBe(1)
    expect((await queries.records({ ...filter, type: 'bid.record@1' }, null, 300)).records).toEqual([])
    expect(told.leavesRead).toBe(1)
  })

  it('beyond the ledger is empty', async () => {
    const queries = queriesOf({ attested: node.attested, leavesRead: 0 })
    const filter = { type: 'attest.hash@1' }
    const { nextCursor } = await queries.records(filter, null, 2)
    const mark = Buffer.from(nextCursor!, 'base64url').toString().split('.')[0]
    const page = await queries.records(filter, toBase64Url(utf8(`${mark}.900000000`)), 2)
    expect(page.records).toEqual([])
  })
})

describe('a technical verification', () => {
  const hashOf = (value: string): string => toHex(sha256(utf8(value)))
  const verified = (...items: readonly VerifyItem[]) =>
    verify(
      queriesOf({ attested: node.attested, leavesRead: 0 }),
      items.map((item) => readItem({ ...item }, '') as Sought),
      { verifyPlacesMax: 3 },
    )

  it('finds a hash by the index that the store keeps of it, and in no record but its own', async () => {
    const index = String(indexOfFirst)
    const { results, asOf } = await verified(
      { hash: hashOf('first') },
      { hash: hashOf('nobody’s') },
      { hash: hashOf('first'), record: index },
      { hash: hashOf('first'), record: String(indexOfFirst + 1) },
    )
    expect(results.map(({ result, reason }) => reason ?? result)).toEqual([
      'match',
      'not-on-ledger',
      'match',
      'not-in-record',
    ])
    expect(results[0]!.places).toEqual([expect.objectContaining({ index, type: 'attest.hash@1', fields: ['/hash'] })])
    expect(asOf.size).toBe(String(node.ledger.committed.frontier.size))
  })

  it('reads no block to find where a ledger begins', async () => {
    const queries = queriesOf({ attested: node.attested, leavesRead: 0 })
    const read = vi.spyOn(node.store, 'block')
    await queries.records({ hash: `sha256:${hashOf('nobody’s')}` }, null, 3)
    expect(read).not.toHaveBeenCalled()
    read.mockRestore()
  })
})

describe('a party and its keys', () => {
  it('as of the newest block, and as of a time: registered later, not yet valid, expired, revoked', () => {
    const other = new ReplicaWorld(4, { cheapSignatures: true })
    other.startAll()
    other.electLeader()
    other.settle()
    const { party } = other.member('beijing').member
    const of = (type: string, key: string, fields: JsonObject) => {
      other.submit('beijing', other.centreStatement('beijing', type, key, fields))
      other.settle()
      return other.replica('beijing').ledger.committed
    }
    const { ledger } = other.genesis
    const founded = other.genesis.foundedAt
    const start = other.clock.wall()
    const [day, second] = [86_400_000, keyOf('beijing second')]
    const fields = { ledger, type: 'party.key-request@2', party, name: '北京中心', roles: ['sub-centre'] }
    const term = { notBefore: formatTime(start + day), notAfter: formatTime(start + 2 * day) }
    const registered = of('party.register@2', 'r', { request: signStatement({ ...fields, ...term }, second) })
    other.clock.advance(1_000)
    const revoked = of('key.revoke@1', 'x', { kid: second.kid, reason: 'superseded' })

    const replica = other.replica('beijing')
    const queries = new Queries(
      { rules: other.rules, member: 'beijing', node: other.member('beijing').member.node.id, version: 'test' },
      { clock: other.clock, signer: {} as never, replica, metrics: async () => '' },
    )
    const statuses = (at?: number) => queries.party(party, at)!.keys.map(({ status }) => status)
    expect(statuses()).toEqual(['active', 'revoked'])
    expect(statuses(registered.time - 1)).toEqual(['active'])
    expect(statuses(founded)).toEqual(['active'])
    expect(statuses(registered.time)).toEqual(['active', 'not-yet'])
    expect(statuses(revoked.time - 1)).toEqual(['active', 'not-yet'])
    expect(statuses(revoked.time)).toEqual(['active', 'revoked'])
    expect(queries.party(party)!.keys[1]).toMatchObject({
      kid: second.kid,
      status: 'revoked',
      endsAt: formatTime(revoked.time),
      endedBy: revoked.frontier.size - 1,
      successor: null,
      delegator: null,
      types: null,
    })
    expect(queries.party(party)!.at).toBe(formatTime(replica.ledger.committed.time))
    expect(queries.party('uscc:91440400192548256N')).toBeUndefined()
  })
})

it('proves against the newest attested size before that attestation is on the disk, and against no other', async () => {
  const { attested } = node
  const queries = queriesOf({ attested, leavesRead: 0 })
  expect(await queries.proof(indexOfFirst, attested!.size)).toMatchObject({ index: indexOfFirst, size: attested!.size })
  expect(await queries.proof(indexOfFirst, attested!.size - 1)).toBeUndefined()
})
