/**
 * What users, auditors and courts are served when the members change (decision 0032): whole nodes with real signatures over HTTP, members that join
 * and leave by a closing record, and a ledger that governance re-founded. Every proof is checked as a stranger does: with policy texts
 * and proofs of epochs, and nothing else.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Client, ProblemError } from '../../src/api/client/client.ts'
import { toBase64 } from '../../src/chain/bytes.ts'
import { epochOfSize } from '../../src/chain/epoch.ts'
import { readFounding } from '../../src/chain/founding.ts'
import { epochPolicy } from '../../src/chain/member-policy.ts'
import { type ClosingReader, epochsFrom, everybody } from '../../src/chain/membership.ts'
import { parseNote } from '../../src/chain/note.ts'
import { checkNoteAgainstPolicy, formatPolicy, parsePolicy } from '../../src/chain/policy.ts'
import { verifyProofFile } from '../../src/chain/proof-check.ts'
import { formatReceiptFile } from '../../src/chain/receipt-file.ts'
import { formatTime } from '../../src/chain/time.ts'
import { epochProofsOf } from '../../src/node/cli/members.ts'
import { run, runJson, temporaryDirectory } from './cli/run.ts'
import { change, inEpoch, readied, refoundedWith } from './governance.ts'
import { LedgerStage } from './ledger-stage.ts'

function staged(joining = 1): LedgerStage {
  const stage = new LedgerStage(4, { joining })
  onTestFinished(() => stage[Symbol.asyncDispose]())
  stage.take('beijing', stage.world.statement('beijing', 'before'))
  return stage
}

const clientOf = async (stage: LedgerStage, id: string): Promise<Client> =>
  new Client({ url: await stage.serve(id), attemptsMax: 1 })

/** What a closing says in this world; a verifier that knows no such record is a test of its own. */
const closingOf =
  ({ world }: LedgerStage): ClosingReader =>
  ({ key }) =>
    world.closings.get(key)

/** The newest record: its proof and entry as this member serves them. */
async function proven(client: Client, index: string) {
  return { proofFile: await client.proofFile(index), entry: await client.entry(index) }
}

const lastIndex = ({ world }: LedgerStage, id = 'beijing'): string =>
  String(world.replica(id).ledger.committed.frontier.size - 1)

/** Wuhan leaves. @returns the others */
function withoutWuhan({ world }: LedgerStage): readonly string[] {
  const rest = world.ids.filter((id) => id !== 'wuhan')
  change(world, 'beijing', rest, [])
  inEpoch(world, 1, world.ids)
  world.settle()
  return rest
}

const namesIn = (policy: string): readonly string[] => parsePolicy(policy).witnesses.map(({ name }) => name)

test('a member joins: its node and the others serve it as a member, and what it has a part in is good by the policy served', async () => {
  const stage = staged()
  const { world } = stage
  const old = await clientOf(stage, 'beijing')
  const before = { policy: await old.policy(), ...(await proven(old, lastIndex(stage))) }
  expect(namesIn(before.policy)).toEqual(world.ids)

  const five = [...world.ids, 'xiamen']
  change(world, 'beijing', five, [readied(world, 'xiamen')])
  inEpoch(world, 1, five)
  world.settle()
  const newcomer = await clientOf(stage, 'xiamen')
  for (const client of [old, newcomer]) {
    const { epoch, members } = await client.members()
    expect([epoch, members.map(({ id }) => id)]).toEqual(['1', [...five].sort()])
    expect((await client.members({ epoch: 0 })).members.map(({ id }) => id)).toEqual(world.ids)
    expect((await client.status()).quorum).toEqual({ members: 5, needed: 4, connected: 5, missing: 0 })
  }
  expect((await newcomer.status()).peers.map(({ member }) => member)).toEqual([...world.ids])
  // Nothing was attested by the new members yet: who was one of the old ones serves those, and nobody else has a log key that they list.
  expect(await old.policy()).toBe(before.policy)
  checkNoteAgainstPolicy(parseNote(await old.checkpoint()), parsePolicy(before.policy))
  await expect(newcomer.checkpoint()).rejects.toMatchObject({ code: 'checkpoint.not-yet' })

  stage.take('xiamen', world.statement('beijing', 'brought to the newcomer'))
  const policy = await newcomer.policy()
  expect(await old.policy()).toBe(policy)
  expect([namesIn(policy), parsePolicy(policy).groups[0]!.threshold]).toEqual([[...five].sort(), 4])
  for (const client of [old, newcomer]) {
    checkNoteAgainstPolicy(parseNote(await client.checkpoint({ cosignatures: 64 })), parsePolicy(policy))
    // The old record too: whoever holds today's policy needs no other one.
    for (const index of ['0', '2', lastIndex(stage)]) {
      expect(verifyProofFile({ policy, ...(await proven(client, index)) }).index).toBe(BigInt(index))
    }
  }
  // With one of the first four down, four cosign only with the newcomer.
  world.kill(world.followers().find((id) => id !== 'xiamen' && id !== 'beijing')!)
  stage.take('beijing', world.statement('beijing', 'with its cosignature'))
  const { cosigners } = verifyProofFile({ policy, ...(await proven(old, lastIndex(stage))) })
  expect(cosigners.map(({ name }) => name)).toContain('xiamen')
})

test('old proofs are good by the old policy for ever, which is served by its number, and not by the new one', async () => {
  const stage = staged()
  const { world } = stage
  const client = await clientOf(stage, 'beijing')
  const size = world.replica('beijing').attested!.size
  const old = { policy: await client.policy(), ...(await proven(client, String(size - 1))) }
  const rest = world.ids.filter((id) => id !== 'wuhan')
  change(world, 'beijing', [...rest, 'xiamen'], [readied(world, 'xiamen')])
  inEpoch(world, 1, [...world.ids, 'xiamen'])
  world.settle()
  stage.take('guangzhou', world.statement('beijing', 'after'))
  expect(namesIn(await client.policy())).toEqual([...rest, 'xiamen'].sort())
  expect(verifyProofFile(old).index).toBe(BigInt(size - 1))
  expect(await client.policy({ epoch: 0 })).toBe(old.policy)
  const policy = await client.policy()
  expect(() => verifyProofFile({ ...old, policy })).toThrow(expect.objectContaining({ code: 'policy.quorum-missing' }))
  await expect(client.policy({ epoch: 2 })).rejects.toMatchObject({ code: 'epoch.not-found' })
  const { witnesses, logs } = parsePolicy(policy)
  const at = witnesses.findIndex(({ name }) => name === 'xiamen')
  expect(parsePolicy(await client.policy({ log: 'xiamen' }))).toEqual({ ...parsePolicy(policy), logs: [logs[at]] })
  await expect(client.policy({ log: 'xiamen', epoch: 0 })).rejects.toMatchObject({ code: 'request.bad-parameter' })
  await expect(client.members({ epoch: 2 })).rejects.toMatchObject({ code: 'epoch.not-found' })
  // Against the old size a proof is made by who was there, and by nobody else.
  const against = await client.proof('1', { size: String(size) })
  expect(
    verifyProofFile({ policy: old.policy, proofFile: against.proofFile, entry: await client.entry('1') }).size,
  ).toBe(BigInt(size))
  const newcomer = await clientOf(stage, 'xiamen')
  await expect(newcomer.proof('1', { size: String(size) })).rejects.toMatchObject({ code: 'proof.size-not-attested' })
})

test('a member that left: it is served as none, and its own node goes on serving what it had a part in, by the policy of then', async () => {
  const stage = staged()
  const { world } = stage
  const rest = withoutWuhan(stage)
  stage.take('beijing', world.statement('beijing', 'without it'))
  const [left, staying] = [await clientOf(stage, 'wuhan'), await clientOf(stage, 'beijing')]
  for (const client of [left, staying]) expect((await client.members()).members.map(({ id }) => id)).toEqual(rest)
  // The learner that it is now counts nowhere, connected as it is.
  for (const client of [left, staying]) {
    expect((await client.status()).quorum).toEqual({ members: 3, needed: 2, connected: 3, missing: 0 })
  }
  const policy = await left.policy()
  expect(namesIn(policy)).toContain('wuhan')
  const { size } = checkNoteAgainstPolicy(parseNote(await left.checkpoint()), parsePolicy(policy))
  expect(Number(size)).toBe(world.replica('wuhan').epoch.start.size)
  expect(verifyProofFile({ policy, ...(await proven(left, '2')) }).index).toBe(2n)
  // The newest record is there to be read; what proves it is with the members.
  const newest = lastIndex(stage)
  expect(await left.entry(newest)).toEqual(await staying.entry(newest))
  await expect(left.proofFile(newest)).rejects.toBeInstanceOf(ProblemError)
  expect(namesIn(await staying.policy())).not.toContain('wuhan')
})

test('a refusal that a member of an earlier epoch was given is still the answer', async () => {
  const stage = staged()
  const { world } = stage
  world.submit('beijing', world.statement('beijing', 'twice', 'one'))
  const second = world.statement('beijing', 'twice', 'two')
  world.submit('wuhan', second)
  world.settle()
  const refused = world.promised.find(({ pending }) => pending.settlement?.kind === 'refused')!
  const others = world.ids.filter((id) => id !== refused.member)
  change(world, others[0]!, others, [])
  inEpoch(world, 1, world.ids)
  world.settle()
  stage.take(others[0]!, world.statement('beijing', 'after'))
  const client = await clientOf(stage, others[0]!)
  await expect(client.record(refused.statement)).rejects.toMatchObject({ code: 'statement.key-reused' })
})

test('a stranger follows the members from the genesis: each change is proven by those before, and a change that is not is found', async () => {
  const stage = staged()
  const { world } = stage
  const five = [...world.ids, 'xiamen']
  change(world, 'beijing', five, [readied(world, 'xiamen')])
  inEpoch(world, 1, five)
  world.settle()
  stage.take('xiamen', world.statement('beijing', 'in the second'))
  change(world, 'beijing', five.slice(1), [], 'close again')
  inEpoch(world, 2, five)
  world.settle()
  stage.take('xiamen', world.statement('beijing', 'in the third'))
  const client = await clientOf(stage, 'xiamen')
  const { epochs } = await client.epochs()
  expect(epochs.map(({ number, begunBy, quorum }) => [number, begunBy, quorum])).toEqual([
    ['0', 'genesis', 3],
    ['1', 'closing', 4],
    ['2', 'closing', 3],
  ])
  const proofs = await epochProofsOf(client)
  const genesis = await client.genesis()
  const founded = readFounding(genesis)
  const newest = epochsFrom(founded, genesis, proofs, closingOf(stage))
  expect(newest).toMatchObject({ number: 2, quorum: 3, start: { size: Number(epochs[2]!.size) } })
  for (const epoch of [0, 1, 2]) {
    const at = epochOfSize(newest, newest.start.size + epoch - 1)
    expect(await client.policy({ epoch: at.number })).toBe(formatPolicy(epochPolicy(founded, at)))
  }
  const code = (read: () => unknown): string => {
    try {
      read()
    } catch (error) {
      return (error as { code: string }).code
    }
    return 'held'
  }
  // Software that does not know the record cannot tell who follows, and says so; one byte changed anywhere is no proof.
  expect(code(() => epochsFrom(founded, genesis, proofs))).toBe('membership.unknown-record')
  expect(code(() => epochsFrom(founded, genesis, [proofs[1]!, proofs[0]!], closingOf(stage)))).toBe(
    'membership.unproven',
  )
  const [first] = proofs
  for (let at = 0; at < first!.length; at += 7) {
    const bytes = first!.slice()
    bytes[at]! ^= 1
    const isBlock = at >= 2 && at < 45 // which block it was is the server's word
    const outcome = code(() => epochsFrom(founded, genesis, [bytes], closingOf(stage)))
    if (!isBlock) expect(outcome, `byte ${at}`).toMatch(/^membership\.(?:malformed|unproven|unknown-record)$/)
  }
  await expect(client.epochProof(0)).rejects.toMatchObject({ code: 'epoch.not-found' })
  await expect(client.epochProof(3)).rejects.toMatchObject({ code: 'epoch.not-found' })
})

/** The newest receipt, as the member's API answers it. */
function receiptFile({ world }: LedgerStage, jws: string): string {
  const { member, pending } = world.promised.at(-1)!
  const { statement, node, receivedAt, attestedSize, by, epoch, signature } = pending.receipt
  const receipt = {
    ...{ statement, ledger: world.genesis.ledger, member, node },
    ...{ receivedAt: formatTime(receivedAt), attestedSize: String(attestedSize), by: formatTime(by) },
    ...{ epoch: String(epoch), signature: toBase64(signature) },
  }
  const file = join(temporaryDirectory(), 'receipt.json')
  writeFileSync(file, formatReceiptFile(receipt, jws))
  return file
}

test('re-founded: nobody shows a checkpoint or a proof before one record is attested by the members of now; what was saved before stays good', async () => {
  const stage = staged(2)
  const { world } = stage
  const index = lastIndex(stage)
  const before = await clientOf(stage, 'beijing')
  const saved = { policy: await before.policy(), ...(await proven(before, index)) }
  refoundedWith(world, ['xiamen', 'nanning'])
  const clients = [await clientOf(stage, 'beijing'), await clientOf(stage, 'xiamen')]
  for (const client of clients) {
    expect((await client.status()).hindrances).toEqual([])
    await expect(client.checkpoint()).rejects.toMatchObject({ code: 'checkpoint.not-yet' })
    await expect(client.proofFile(index)).rejects.toMatchObject({ code: 'record.not-attested' })
    expect(await client.record(index)).toMatchObject({ kind: 'record', record: { status: 'attested' } })
    expect(await client.policy()).toBe(await client.policy({ epoch: 1 }))
  }
  expect(verifyProofFile(saved).index).toBe(BigInt(index))
  stage.take('xiamen', world.statement('beijing', 'the first of the new epoch'))
  for (const client of clients) {
    const policy = await client.policy()
    const { size } = checkNoteAgainstPolicy(parseNote(await client.checkpoint()), parsePolicy(policy))
    expect(Number(size)).toBeGreaterThan(Number(index) + 1)
    expect(verifyProofFile({ policy, ...(await proven(client, index)) }).index).toBe(BigInt(index))
  }
  expect(verifyProofFile(saved).index).toBe(BigInt(index))
})

test('re-founded: receipts of the founding members and of newcomers are answered and verified by the command line, off the genesis alone', async () => {
  const stage = staged(2)
  const { world } = stage
  const earlier = world.statement('beijing', 'early')
  stage.take('wuhan', earlier)
  const early = receiptFile(stage, earlier)
  refoundedWith(world, ['xiamen', 'nanning'])
  const jws = world.statement('beijing', 'brought to a newcomer')
  stage.take('xiamen', jws)
  const late = receiptFile(stage, jws)
  const url = await stage.serve('nanning')
  for (const [file, member] of [
    [early, 'wuhan'],
    [late, 'xiamen'],
  ] as const) {
    const directory = temporaryDirectory()
    const paths = ['--proof', 'a.tlog-proof', '--entry', 'a.entry', '--policy', 'policy.txt'].map((each) =>
      each.startsWith('--') ? each : join(directory, each),
    )
    const ran = await runJson<{ state: string; member: string }>('receipt', 'status', file, '--url', url, ...paths)
    expect([ran.code, ran.json.state, ran.json.member], member).toEqual([0, 'recorded', member])
    expect((await run('verify', ...paths)).code).toBe(0)
  }
  const client = new Client({ url, attemptsMax: 1 })
  const genesis = await client.genesis()
  const newest = epochsFrom(readFounding(genesis), genesis, await epochProofsOf(client))
  expect(newest.members.map(({ id }) => id)).toEqual(['beijing', 'guangzhou', 'nanning', 'xiamen'])
  expect(everybody(newest).map(({ id }) => id)).toContain('wuhan')
})

test('a statement with a receipt that was attested by others only is not lost to its submitter: it is told where it stands', async () => {
  const stage = staged()
  const { world } = stage
  withoutWuhan(stage)
  const jws = world.statement('beijing', 'behind its back')
  stage.take('beijing', jws)
  const left = await clientOf(stage, 'wuhan')
  await expect(left.submit(jws)).rejects.toMatchObject({ code: 'node.not-a-member' })
})
