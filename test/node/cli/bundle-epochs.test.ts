/** Court bundles of a ledger whose members changed: what goes in, what they prove to whoever has the fingerprint alone, and what is noticed. */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { Client } from '../../../src/api/client/client.ts'
import { type ArchiveFiles, readArchive, writeArchive } from '../../../src/chain/archive.ts'
import { assembleBundle, bundleFile, type ClaimId, examineBundle, verifyBundle } from '../../../src/chain/bundle.ts'
import { fromUtf8, utf8 } from '../../../src/chain/bytes.ts'
import { parseStatement } from '../../../src/chain/statement.ts'
import { sealedIn, verifierPage } from '../../../src/node/cli/bundle.ts'
import { epochProofsOf } from '../../../src/node/cli/members.ts'
import { change, inEpoch, readied, refoundedWith } from '../governance.ts'
import { LedgerStage } from '../ledger-stage.ts'
import { run, temporaryDirectory } from './run.ts'

const stage = new LedgerStage(4, { joining: 2 })
const { world, genesis } = stage
let url: string
/** A record of the first epoch, as it was exported then; after the change again; and one that a newcomer brought. */
let then: Uint8Array
let again: Uint8Array
let brought: ArchiveFiles

beforeAll(async () => {
  stage.register('guangzhou')
  const early = stage.attest()
  then = await exported(early, await stage.serve('beijing'))
  refoundedWith(world, ['xiamen', 'nanning'])
  const jws = world.statement('beijing', 'brought to a newcomer')
  stage.take('xiamen', jws)
  url = await stage.serve('nanning')
  again = await exported(early, url)
  brought = readArchive(await exported(parseStatement(jws, genesis.ledger).id, url)).files
})
const shared = mkdtempSync(join(tmpdir(), 'gongzheng-bundle-epochs-'))
afterAll(async () => {
  rmSync(shared, { recursive: true, force: true })
  await stage[Symbol.asyncDispose]()
})

async function exported(id: string, from: string): Promise<Uint8Array> {
  const out = join(shared, 'bundle.zip')
  const ran = await run('export', 'bundle', id, '--url', from, '--out', out)
  if (ran.code !== 0) throw new Error(ran.error)
  return readFileSync(out)
}

const stateOf = (files: ArchiveFiles, claim: ClaimId) =>
  examineBundle(files).claims.find(({ id }) => id === claim)?.state

/** With the list of hashes made to fit, as somebody would who knows what he is doing. */
function withSums(changed: ReadonlyMap<string, Uint8Array>): ArchiveFiles {
  const fitting = new Map(changed)
  fitting.delete(bundleFile.sums)
  const line = (name: string) => `${createHash('sha256').update(fitting.get(name)!).digest('hex')}  ${name}\n`
  fitting.set(bundleFile.sums, utf8([...fitting.keys()].sort().map(line).join('')))
  return fitting
}

test('of members that joined: every claim holds for whoever has the fingerprint, and the members’ history is told', () => {
  const report = verifyBundle(writeArchive(brought), { fingerprint: genesis.fingerprint })
  expect(report.claims.map(({ id, state }) => [id, state])).toEqual(
    ['files', 'founding', 'cosigned', 'included', 'time', 'statement', 'key', 'members', 'pages', 'expected'].map(
      (id) => [id, 'good'],
    ),
  )
  const { facts } = report
  expect(facts).toMatchObject({ receivedByName: '厦门市公共资源交易中心', quorum: 3, block: { epoch: 1 } })
  expect(facts!.epochs.map(({ number, begunBy, members }) => [number, begunBy, members.map(({ id }) => id)])).toEqual([
    [0, 'genesis', ['beijing', 'guangzhou', 'hangzhou', 'wuhan']],
    [1, 'refounding', ['beijing', 'guangzhou', 'nanning', 'xiamen']],
  ])
  expect(facts!.cosigners.length).toBeGreaterThanOrEqual(3)
  const words = report.claims.find(({ id }) => id === 'members')!.detail
  expect(words.zh).toMatch(/成员有过 1 次变动.*第 1 届.*治理密钥重建.*厦门市公共资源交易中心/)
  expect(words.en).toMatch(/changed 1 times.*epoch 1.*re-founded by governance keys/)
  expect(fromUtf8(brought.get(bundleFile.explanation)!)).toMatch(/第 1 届：自第 \d+ 条起.*治理密钥重建/)
  expect(brought.has('members/1.cbor')).toBe(true)
})

test('a record of the first epoch: its old bundle is good for ever; a new one is attested by the members of now, and says of which epoch it is', () => {
  expect(verifyBundle(then, { fingerprint: genesis.fingerprint })).toMatchObject({ ok: true })
  const report = verifyBundle(again, { fingerprint: genesis.fingerprint })
  expect(report).toMatchObject({ ok: true, facts: { block: { epoch: 0 }, receivedByName: '广州公共资源交易中心' } })
  expect(report.facts!.members.map(({ id }) => id)).toContain('xiamen')
  expect(readArchive(then).files.has('members/1.cbor')).toBe(false)
})

test('the command line agrees, against the fingerprint and against the policy of the epoch', async () => {
  const directory = temporaryDirectory()
  const [file, policy] = [join(directory, 'b.zip'), join(directory, 'policy.txt')]
  writeFileSync(file, writeArchive(brought))
  writeFileSync(policy, await new Client({ url }).policy())
  for (const more of [
    ['--fingerprint', genesis.fingerprint],
    ['--policy', policy],
  ]) {
    expect((await run('verify', file, ...more)).code, more[0]).toBe(0)
  }
  writeFileSync(policy, await new Client({ url }).policy({ epoch: 0 }))
  expect((await run('verify', file, '--policy', policy)).code).toBe(1)
})

test('without the proof of its epoch, with one of another ledger, or with a byte of it changed anywhere, nothing of it stands', () => {
  const without = new Map(brought)
  without.delete('members/1.cbor')
  expect(stateOf(withSums(without), 'founding')).toBe('bad')
  const proof = brought.get('members/1.cbor')!
  for (let at = 0; at < proof.length; at += 5) {
    const changed = withSums(
      new Map(brought).set(
        'members/1.cbor',
        proof.map((byte, i) => (i === at ? byte ^ 1 : byte)),
      ),
    )
    const { ok, claims } = examineBundle(changed)
    // A signature more than the quorum needs may be spoilt: then the same members follow from the rest.
    if (ok) expect(claims.find(({ id }) => id === 'founding')?.state, `byte ${at}`).toBe('good')
    else expect(claims.find(({ id }) => id === 'founding')?.code, `byte ${at}`).toMatch(/^membership\.|^archive\./)
  }
  // A hole in the history, and an epoch that the checkpoint is not of.
  const shifted = new Map(without).set('members/2.cbor', proof)
  expect(stateOf(withSums(shifted), 'founding')).toBe('bad')
  const old = new Map(readArchive(then).files).set('members/1.cbor', proof)
  old.set(bundleFile.policy, brought.get(bundleFile.policy)!)
  expect(stateOf(withSums(old), 'cosigned')).toBe('bad')
})

test('where a record closed an epoch that this software does not know, nothing is written; software that knows it proves the bundle', async () => {
  const closed = new LedgerStage(4, { joining: 1 })
  onTestFinished(() => closed[Symbol.asyncDispose]())
  const { world: members } = closed
  const five = [...members.ids, 'xiamen']
  change(members, 'beijing', five, [readied(members, 'xiamen')])
  inEpoch(members, 1, five)
  members.settle()
  closed.take('xiamen', members.statement('beijing', 'after'))
  const from = await closed.serve('xiamen')
  const client = new Client({ url: from })
  const index = String(members.replica('xiamen').ledger.committed.frontier.size - 1)
  const out = join(temporaryDirectory(), 'bundle.zip')
  const ran = await run('export', 'bundle', index, '--url', from, '--out', out)
  expect([ran.code, ran.error]).toEqual([1, expect.stringContaining('(membership.unknown-record)')])
  expect(existsSync(out)).toBe(false)
  const proof = async (at: string) => (await client.proof(at)).proofFile
  const system = String(Number(index) - 1)
  const found = await client.record(index)
  if (found.kind !== 'record') throw new Error('it is attested')
  const { record } = found
  const parts = {
    ...{ entry: await client.entry(index), proof: await proof(index) },
    ...sealedIn(await client.block(record.height), record, await client.genesis()),
    ...{ genesis: await client.genesis(), genesisProof: await proof('0') },
    ...{ system: await client.entry(system), systemProof: await proof(system) },
    ...{
      epochs: await epochProofsOf(client),
      keys: [],
      verifierPage: verifierPage(),
      software: 'gongzheng test; node test',
    },
  }
  const closing = { closing: ({ key }: { readonly key: string }) => members.closings.get(key) }
  const { bytes } = assembleBundle(parts, closing)
  const report = verifyBundle(bytes, { fingerprint: closed.genesis.fingerprint, ...closing })
  expect(report).toMatchObject({
    ok: true,
    facts: { quorum: 4, epochs: [{ begunBy: 'genesis' }, { begunBy: 'closing' }] },
  })
  expect(verifyBundle(bytes).ok).toBe(false)
})
