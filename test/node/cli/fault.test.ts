/** `fault verify` convicts a key by its own two signatures, names the member where it is told who the members are, and else nobody. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ed25519Sign } from '#crypto'
import { sealMessage } from '../../../src/chain/certificate.ts'
import { cosignatureMessage, formatCheckpoint } from '../../../src/chain/checkpoint.ts'
import { type FaultProof, formatFault } from '../../../src/chain/fault.ts'
import { memberPolicy } from '../../../src/chain/member-policy.ts'
import { formatPolicy } from '../../../src/chain/policy.ts'
import { found } from '../../simulation/founding.ts'
import { run, runJson, temporaryDirectory } from './run.ts'

const { genesis, members } = found(4, {}, 1_790_000_000_000)
const { keys } = members[1]!
const accused = genesis.members.find(({ node }) => node.seal === members[1]!.member.node.seal)!

const vote = (candidate: string) => {
  const base = [1, 1, new Uint8Array(32)]
  const message = sealMessage('VOTE', { ledger: genesis.ledger, epoch: 0 }, [3, candidate, base])
  return { message, signature: ed25519Sign(keys.seal.seed, message) }
}
const head = (fill: number, timeSeconds = 1) => {
  const checkpoint = formatCheckpoint({ origin: genesis.origin, size: 5, root: new Uint8Array(32).fill(fill) })
  return {
    checkpoint,
    timeSeconds,
    signature: ed25519Sign(keys.cosign.seed, cosignatureMessage(timeSeconds, checkpoint)),
  }
}
const votes: FaultProof = { kid: accused.node.seal, form: 'sealed', first: vote('wuhan'), second: vote('beijing') }
const heads: FaultProof = { kid: accused.node.cosign, form: 'heads', first: head(1), second: head(2, 9) }

function fileOf(proof: FaultProof): {
  readonly directory: string
  readonly file: string
  readonly genesisFile: string
} {
  const directory = temporaryDirectory()
  const file = join(directory, 'proof.fault')
  const genesisFile = join(directory, 'genesis.json')
  writeFileSync(file, formatFault(proof))
  writeFileSync(genesisFile, genesis.entry)
  return { directory, file, genesisFile }
}

test('a proof alone convicts the key; with the genesis it names the member, in both languages', async () => {
  const { file, genesisFile } = fileOf(votes)
  const alone = await runJson('fault', 'verify', file)
  expect([alone.code, alone.json.kind, alone.json.kid, alone.json.member]).toEqual([
    0,
    'two-votes',
    accused.node.seal,
    null,
  ])
  const named = await runJson('fault', 'verify', file, '--genesis', genesisFile)
  expect(named.json.member).toEqual({ id: accused.id, name: accused.name })
  expect((await run('fault', 'verify', file, '--genesis', genesisFile)).out).toMatch(
    /two votes in one term[\s\S]*Member/,
  )
  expect((await run('fault', 'verify', file, '--lang', 'zh')).out).toMatch(/成立[\s\S]*投了两票/)
})

test('contradictory heads name the cosigner by genesis or policy', async () => {
  const { directory, file, genesisFile } = fileOf(heads)
  expect((await runJson('fault', 'verify', file, '--genesis', genesisFile)).json).toMatchObject({
    kind: 'two-heads',
    member: { id: accused.id, name: accused.name },
  })
  const policyFile = join(directory, 'policy.txt')
  writeFileSync(policyFile, formatPolicy(memberPolicy(genesis)))
  expect((await runJson('fault', 'verify', file, '--policy', policyFile)).json).toMatchObject({
    member: { id: accused.id },
  })
})

test('whose genesis it is that gives the name is said: anybody can write one with the same origin', async () => {
  const { file, genesisFile } = fileOf(heads)
  const ran = await run('fault', 'verify', file, '--genesis', genesisFile)
  expect(ran.out).toContain(`${genesis.fingerprint} (the name is by this genesis: compare it with the charter)`)
  const { json } = await runJson('fault', 'verify', file, '--genesis', genesisFile)
  expect(json.fingerprint).toBe(genesis.fingerprint)
  expect((await runJson('fault', 'verify', file)).json.fingerprint).toBeNull()
})

test('what shows no contradiction names nobody: exit code 1', async () => {
  const { file, genesisFile } = fileOf({ ...votes, second: votes.first } as FaultProof)
  const ran = await run('fault', 'verify', file, '--genesis', genesisFile)
  expect(ran.code).toBe(1)
  expect(ran.error).toContain('fault.no-contradiction')
  expect(ran.out + ran.error).not.toContain(accused.name)
})

test('a proof of another ledger is refused, and a file that is none is unreadable', async () => {
  const { directory, file } = fileOf(votes)
  const other = join(directory, 'other.json')
  writeFileSync(other, found(7, {}, 1_790_000_000_000).genesis.entry)
  expect(await run('fault', 'verify', file, '--genesis', other)).toMatchObject({ code: 1 })
  expect(
    (await runJson<{ problem: { code: string } }>('fault', 'verify', file, '--genesis', other)).json.problem.code,
  ).toBe('fault.other-ledger')
  writeFileSync(file, 'nothing')
  expect((await run('fault', 'verify', file)).error).toContain('fault.malformed')
  expect((await run('fault', 'verify', join(directory, 'none'))).code).toBe(2)
})
