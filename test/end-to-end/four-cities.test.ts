/**
 * Four real processes on loopback: LevelDB on disk, libp2p between them, HTTP in front. What users were promised, as they would see it;
 * one ledger goes through all of it, in the order of the tests.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ed25519PublicKey, ed25519Sign } from '#crypto'
import type { StatusAnswer } from '../../src/api/answers.ts'
import { Client, ProblemError } from '../../src/api/client/client.ts'
import { keyRequestTypes } from '../../src/chain/catalogue/key-request.ts'
import { kidOf, taggedEd25519 } from '../../src/chain/keys.ts'
import { type StatementSigner, signStatement } from '../../src/chain/statement.ts'
import { verifyProofFile } from '../../src/chain/verify.ts'
import { foundHomes, type Home, NodeProcess, until } from './cluster.ts'

const directory = mkdtempSync(join(tmpdir(), 'gongzheng-four-'))
let ledger: string
let nodes: readonly NodeProcess[]

const home = (id: string): Home => nodes.find((node) => node.home.id === id)!.home
const node = (id: string): NodeProcess => nodes.find(({ home: { id: member } }) => member === id)!
const client = (id: string): Client => new Client({ url: home(id).apiUrl, attemptsMax: 1 })
const status = async (id: string): Promise<StatusAnswer> =>
  (await (await fetch(`${home(id).apiUrl}/v1/status`)).json()) as StatusAnswer

function signerFrom(seed: Uint8Array): StatementSigner {
  return { tagged: taggedEd25519(ed25519PublicKey(seed)), sign: (message) => ed25519Sign(seed, message) }
}

const document = (key: string) => ({
  key,
  subject: 'document',
  hash: { algorithm: 'sha256', value: Buffer.from(key.padEnd(32)).toString('hex') },
  mediaType: 'application/pdf',
  source: {
    system: '测试系统',
    operator: 'role:测试员',
    method: '自动生成',
    software: 'test 1',
    occurredAt: '2026-11-22T10:00:00+08:00',
  },
})

/** A statement of the centre of this member. */
function ofCentre(id: string, key: string): string {
  const { party, centre } = home(id)
  return signStatement({ ledger, type: 'attest.hash@1', party, ...document(key) }, signerFrom(centre.seed))
}

function postPlain(id: string, body: unknown): Promise<Response> {
  return fetch(`${home(id).privateUrl}/v1/records`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

async function codeOf(submission: Promise<unknown>): Promise<string> {
  try {
    await submission
  } catch (error) {
    if (error instanceof ProblemError) return error.code
    throw error
  }
  return 'accepted'
}

beforeAll(async () => {
  const founded = await foundHomes(join(directory, 'homes'), 4)
  ledger = founded.genesis.ledger
  nodes = founded.homes.map((each) => new NodeProcess(each))
  for (const each of nodes) each.start()
  await until(async () => (await Promise.all(nodes.map((each) => each.isReady()))).every(Boolean), 'ready', 120_000)
  await until(async () => (await status('beijing')).leader !== null, 'a leader', 60_000)
}, 200_000)

afterAll(async () => {
  await Promise.all(nodes.map((each) => each.kill('SIGTERM')))
  rmSync(directory, { recursive: true, force: true })
}, 60_000)

describe('four cities', { timeout: 180_000 }, () => {
  it('attest a statement that any of them takes, once, and prove it to somebody who trusts none of them', async () => {
    const statement = ofCentre('guangzhou', 'first')
    const submitted = await client('guangzhou').submit(statement)
    if (submitted.kind !== 'attested') throw new Error('not attested')
    const again = await client('wuhan').submit(statement)
    if (again.kind !== 'attested') throw new Error('not attested')
    expect(again.record.index).toBe(submitted.record.index)

    const policy = await (await fetch(`${home('hangzhou').apiUrl}/v1/policy`)).text()
    for (const id of ['guangzhou', 'beijing', 'wuhan', 'hangzhou']) {
      const proofFile = await client(id).proofFile(submitted.record.index)
      const entry = await client(id).entry(submitted.record.index)
      const verified = verifyProofFile({ policy, proofFile, entry })
      expect(String(verified.index)).toBe(submitted.record.index)
      expect(verified.cosigners).toHaveLength(3)
    }
  })

  it('refuse another payload under the same key, and keep nothing of it', async () => {
    const { party, centre } = home('guangzhou')
    const other = signStatement(
      { ledger, type: 'attest.hash@1', party, ...document('first'), title: 'another' },
      signerFrom(centre.seed),
    )
    expect(await codeOf(client('hangzhou').submit(other))).toBe('statement.key-reused')
  })

  it('sign for a system that can only send plain data to its own centre', async () => {
    const response = await postPlain('hangzhou', { type: 'attest.hash@1', ...document('plain') })
    expect(response.status).toBe(201)
    const answer = (await response.json()) as {
      party: string
      statementId: string
      receipt: { statement: string; member: string }
    }
    expect(answer.party).toBe(home('hangzhou').party)
    expect(answer.receipt).toMatchObject({ statement: answer.statementId, member: 'hangzhou' })
  })

  it('hold a key that one member alone vouches for to that member’s scope', async () => {
    const seed = new Uint8Array(32).fill(9)
    const signer = signerFrom(seed)
    const issuer = 'uscc:91330100716105852F'
    // Wuhan registers a key of its own as an issuer of Hangzhou's.
    const request = signStatement(
      { ledger, type: keyRequestTypes.first, party: issuer, name: '杭州某担保公司', roles: ['guarantee-issuer'] },
      signer,
    )
    const registered = await postPlain('wuhan', {
      type: 'party.register@1',
      key: `register ${kidOf(signer.tagged)}`,
      request,
    })
    expect(registered.status).toBe(201)
    const statement = (key: string): string =>
      signStatement({ ledger, type: 'attest.hash@1', party: issuer, ...document(key) }, signer)
    expect(await codeOf(client('hangzhou').submit(statement('out of scope')))).toBe('key.out-of-scope')
    expect(await codeOf(client('wuhan').submit(statement('in scope')))).toBe('accepted')
    const party = (await (
      await fetch(`${home('beijing').apiUrl}/v1/parties/${encodeURIComponent(issuer)}`)
    ).json()) as {
      keys: { standing: string; scope: string[] }[]
    }
    expect(party.keys).toMatchObject([{ standing: 'unilateral', scope: ['wuhan'] }])
  })

  it('go on with one of them stopped', async () => {
    await node('hangzhou').kill('SIGKILL')
    const submitted = await client('guangzhou').submit(ofCentre('guangzhou', 'three of four'))
    expect(submitted.kind).toBe('attested')
  })

  it('keep a promise through two stopped members and a crash of the member that gave it', async () => {
    const { leader } = await status('guangzhou')
    // Guangzhou gives the receipt; of the other two that still run, one goes.
    const other = leader === 'beijing' ? 'beijing' : 'wuhan'
    await node(other).kill('SIGKILL')
    const submitted = await client('guangzhou').submit(ofCentre('guangzhou', 'promise'), { waitSeconds: 1 })
    if (submitted.kind !== 'pending') throw new Error('attested without a quorum')
    const { statementId } = submitted.pending
    expect(submitted.pending.receipt.statement).toBe(statementId)

    await node('guangzhou').kill('SIGKILL')
    node('guangzhou').start()
    await until(
      async () => (await status('guangzhou').catch(() => undefined)) !== undefined,
      'guangzhou answers',
      60_000,
    )
    const alone = await status('guangzhou')
    expect(alone.quorum.missing).toBeGreaterThan(0)
    expect(alone.hindrances.map(({ code }) => code)).toContain('ledger.no-quorum')
    const held = await client('guangzhou').record(statementId)
    expect(held.kind).toBe('pending')

    node('hangzhou').start()
    node(other).start()
    const record = await client('guangzhou').untilAttested(statementId, { timeoutMs: 120_000 })
    expect(record.status).toBe('attested')
    await until(
      async () => {
        const all = await Promise.all(
          ['guangzhou', 'beijing', 'wuhan', 'hangzhou'].map((id) => status(id).catch(() => undefined)),
        )
        return new Set(all.map((each) => each?.attestedRoot)).size === 1 && all[0] !== undefined
      },
      'all four at one root',
      60_000,
    )
  })
})
