/**
 * `npm run demo`: the whole life of a tender goes onto a ledger of four cities, spread over all of them: notice, every bid of an opening,
 * sealed until the deadline, and every guarantee, evaluation, publicity, an objection, award, contract, released guarantees, a claim. Among
 * the bids that are opened the leader is killed with SIGKILL and later started again. At the end every receipt must have its leaf in a close, every
 * leaf must be accounted for, every record must be attested exactly once, all four nodes must have one root and tell one story of the
 * tender, and a process that has nothing but the policy, the proofs and the entries must find every proof good.
 *
 *   npm run demo [-- --json] [--compose docker/compose.devnet.yaml] [--minutes N] [--in-flight N] [--lives N]
 *
 * `--minutes`: from the notice to the deadline (2 unless given); the days in which the real bids came are pressed into them. `--lives`: how
 * many guarantees are told from application to release (48 unless given); the others are published once, after the opening.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ed25519PublicKey, ed25519Sign } from '#crypto'
import type { RecordRow, StatusAnswer } from '../../src/api/answers.ts'
import { Client, ProblemError } from '../../src/api/client/client.ts'
import { keyRequestTypes } from '../../src/chain/catalogue/key-request.ts'
import { rowName } from '../../src/chain/catalogue/register.ts'
import { kidOf, taggedEd25519 } from '../../src/chain/keys.ts'
import { type StatementSigner, signStatement } from '../../src/chain/statement.ts'
import { devnetLegalDayMs } from '../../src/node/cli/devnet-founding.ts'
import { SystemRandom } from '../../src/node/system-clock.ts'
import { until } from './cluster.ts'
import { type Item, openingScenario, parties, type Scenario, type Submitter } from './opening-scenario.ts'
import { SealedBids } from './sealed-bids.ts'
import { closedBox, goodReceipts, handInAll, type PublicCount, publicCounts } from './sealed-play.ts'
import { composeStage, type Member, processStage, type Stage } from './stage.ts'

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    compose: { type: 'string' },
    'in-flight': { type: 'string', default: '32' },
    lives: { type: 'string', default: '48' },
    minutes: { type: 'string', default: '2' },
  },
})
const inFlight = Number(flags['in-flight'])
/** Seconds: short, as everything on a devnet. Three bids are never opened, so the opening cannot end before the last of these. */
const boxTimes = { graceSeconds: 3, claimSeconds: 3, revealSeconds: 20 }
const folder = fileURLToPath(new URL('../../.demo', import.meta.url))
const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const stage = await (flags.compose === undefined ? processStage(join(folder, 'homes')) : composeStage(flags.compose))
let summary: Awaited<ReturnType<typeof play>> | undefined
try {
  summary = await play(stage)
} finally {
  await stage.close()
}
process.stdout.write(flags.json ? `${JSON.stringify(summary)}\n` : `${describe(summary)}\n`)
process.exitCode = summary.ok ? 0 : 1

async function play({ members }: Stage) {
  await until(async () => (await Promise.all(members.map(isReady))).every(Boolean), 'four nodes ready', 120_000)
  const ledger = (await status(members[0]!)).ledger
  const signers = await register(ledger, members)
  const deadline = Date.now() + Number(flags.minutes) * 60_000
  const scenario = openingScenario(ledger, Number(flags.lives), { deadline, ...boxTimes })
  const { opening, tender } = scenario
  say(`the ${scenario.source} opening; members: ${members.map(({ id }) => id).join(', ')}`)

  const answered: number[] = []
  const indexOf = new Map<string, string>()
  const submitted: Item[] = []
  const down = new Set<string>()
  const submit = async (item: Item): Promise<void> => {
    const at = submitted.push(item)
    const statement = signed(item, ledger, signers[item.by])
    indexOf.set(item.key, await submitSomewhere(statement, at, members, down))
    answered.push(performance.now())
  }
  /** Until it is no longer too early for it. */
  const submitWhenDue = async (item: () => Item, code: string): Promise<void> => {
    for (;;) {
      try {
        return await submit(item())
      } catch (error) {
        if (!(error instanceof ProblemError && error.code === code)) throw error
        submitted.pop()
        await new Promise((resolve) => setTimeout(resolve, 250))
      }
    }
  }
  // What is public before the opening is on the ledger before what was sealed until then.
  await submit(scenario.notice)
  await submit(scenario.box)

  const section = { ledger, tender, section: '' }
  const bids = new SealedBids(section, opening, { random: new SystemRandom(), securityOf: scenario.securityOf })
  const { handIns, showings, tally } = bids
  say(`${handIns.length} leaves on their way; the deadline is ${new Date(deadline).toISOString()}`)
  const sealedAt = performance.now()
  const receipts = await handInAll(handIns, section, deadline, members, (done) => {
    progress(done, handIns.length, sealedAt)
  })
  const good = await goodReceipts(receipts, members[0]!)
  say('\nevery leaf has its receipt; waiting for deadline, grace and closes')
  const { closes, kept, placeOf } = await closedBox(section, receipts, members)
  say(`${closes} closes, ${kept} leaves of ${receipts.length} receipts in them; the opening`)

  const reveals = showings.map(({ type, key, fields }) => (): Item => {
    return { by: 'platform', type, key, fields: fields(placeOf, new Date().toISOString()) }
  })
  // Nothing is opened while somebody may still claim by a receipt, in attested time: the first is brought until it is taken.
  await submitWhenDue(reveals[0]!, 'bid.not-open-yet')
  const started = performance.now()
  const chains = [...reveals.slice(1).map((reveal) => [reveal]), ...scenario.chains]
  const count = chains.flat().length
  const half = Math.floor(count / 2)
  let done = 0
  let killedAt: number | undefined
  let restarted: Promise<unknown> = Promise.resolve()

  const queue = [...chains]
  const worker = async (): Promise<void> => {
    for (let chain = queue.shift(); chain !== undefined; chain = queue.shift()) {
      for (const item of chain) {
        await submit(typeof item === 'function' ? item() : item)
        progress(++done, count, started)
        if (done === half) await killLeader()
      }
    }
  }
  const killLeader = async (): Promise<void> => {
    const leader = await leaderOf(members)
    say(`\nkilling the leader, ${leader.id}`)
    down.add(leader.id)
    killedAt = performance.now()
    await leader.kill()
    restarted = new Promise((resolve) => setTimeout(resolve, 5_000)).then(async () => {
      await leader.restart()
      await until(() => isReady(leader), `${leader.id} ready again`, 120_000)
      down.delete(leader.id)
      say(`\n${leader.id} is back`)
    })
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  const seconds = (performance.now() - started) / 1000
  await restarted
  const opened: Item = {
    by: 'platform',
    type: 'bid.opened@1',
    key: `bid.opened ${tender.code}`,
    fields: { tender: { ...tender }, ...tally },
  }
  await submitWhenDue(() => opened, 'bid.reveals-due')
  say('\nafter the opening')
  for (const act of scenario.acts) {
    if (act.afterDays !== undefined) await new Promise((wait) => setTimeout(wait, act.afterDays! * devnetLegalDayMs))
    const items = act.items(new Date().toISOString())
    say(`  ${act.zh} · ${act.en} (${items.length})`)
    await Promise.all(items.map(submit))
  }
  say('all submitted; waiting until all four are at one size')
  await until(
    async () => {
      const all = await Promise.all(members.map(status))
      return all.every(({ attestedSize, replicatedSize }) => {
        return attestedSize === all[0]!.attestedSize && attestedSize === replicatedSize
      })
    },
    'all nodes at one size',
    120_000,
  )
  const roots = (await Promise.all(members.map(status))).map(({ attestedRoot }) => attestedRoot)

  say('counting what is on the ledger')
  const found = new Map<string, number>()
  for (const { id } of parties) {
    for await (const row of new Client({ url: members[1]!.apiUrl }).list({ party: id })) {
      const key = (row.payload as { key?: string }).key
      if (row.party === id && key !== undefined) found.set(key, (found.get(key) ?? 0) + 1)
    }
  }
  const duplicates = [...found.values()].filter((count) => count > 1).length
  const missing = submitted.filter(({ key }) => !found.has(key)).length
  const story = await tell(members, scenario)

  const proofsVerified = await verifyElsewhere(members, [...indexOf.values()])
  const size = Number((await status(members[0]!)).attestedSize)
  const publicly = await publicCounts(members[0]!, size, Number(indexOf.get(scenario.box.key)), deadline)
  const sealed = {
    leaves: handIns.length,
    /** Under the key of the node that gave them, and with their leaf in its close. */
    receipts: Math.min(good, kept),
    closes,
    revealed: tally.bids,
    replaced: tally.replaced,
    withdrawn: tally.withdrawn,
    notRevealed: tally.notRevealed,
    publicBefore: publicly.before,
    publicAfter: publicly.after,
  }
  const headCount = 1 + tally.bids + scenario.guarantees
  const leaderGapMs = killedAt === undefined ? null : Math.round(longestGapAround(answered, killedAt))
  const ok =
    duplicates === 0 &&
    missing === 0 &&
    new Set(indexOf.values()).size === submitted.length &&
    new Set(roots).size === 1 &&
    story.ok &&
    sealed.receipts === handIns.length &&
    closes === members.length &&
    Object.keys(publicly.before.byType).every((type) => type === 'block' || type === 'box.round@1') &&
    proofsVerified === submitted.length
  return {
    ok,
    source: scenario.source,
    /** The notice, the bids that were opened, and the guarantees. */
    records: headCount,
    /** The box, bids shown to be withdrawn, steps in the guarantees' lives, and everything after the opening. */
    steps: found.size - headCount,
    sealed,
    state: story.state,
    findings: story.findings,
    guarantees: story.guarantees,
    duplicates,
    missing,
    roots,
    proofsVerified,
    leaderGapMs,
    recordsPerSecond: Math.round(count / seconds),
    seconds: Math.round(seconds * 10) / 10,
  }
}

/** The tender's timeline and the statistics of its guarantees, as every member tells them. */
async function tell(members: readonly Member[], { tender, acts }: Scenario) {
  const stories = await Promise.all(
    members.map(async ({ apiUrl }) => {
      const client = new Client({ url: apiUrl, language: 'zh-CN' })
      const { owner, scheme, code } = tender
      const { instance } = await client.tender(owner, scheme, code, { pageRows: 1 })
      const steps: RecordRow[] = []
      for await (const row of client.list({ subject: rowName('tender', owner, scheme, code) })) {
        if (row.type.startsWith('tender.') || row.type.startsWith('objection.')) steps.push(row)
      }
      const findings: Record<string, number> = {}
      for await (const { code: found } of client.findings({ owner })) findings[found] = (findings[found] ?? 0) + 1
      const { statistics } = await client.tenderGuarantees(owner, scheme, code)
      return { state: instance?.state ?? null, steps, findings, guarantees: statistics }
    }),
  )
  const [story] = stories
  const { state, steps, findings, guarantees } = story!
  say('\n项目时间线 · timeline')
  for (const { blockTime, type, index } of steps) say(`  ${blockTime}  #${index}  ${type}`)
  say('预警 · findings')
  for (const [code, count] of Object.entries(findings)) say(`  ${code} × ${count}`)
  say('保函统计（全程记录者） · guarantees told from application to release')
  for (const { currency, all, byState } of guarantees) {
    say(`  ${all.count} 份 · ${all.amount} ${currency}, paid ${all.paid}`)
    for (const each of byState) say(`    ${each.stateTitle} ${each.state}: ${each.count}, ${each.amount} ${currency}`)
  }
  const isOne = stories.every((each) => JSON.stringify(each) === JSON.stringify(story))
  const ok = isOne && state === 'contracted' && findings['tender.award-under-objection'] === 1 && acts.length > 0
  return { ok, state, findings, guarantees }
}

/** The longest time after the kill in which nothing was answered: how long users felt it. */
function longestGapAround(times: readonly number[], killedAt: number): number {
  const after = times.filter((time) => time > killedAt).sort((a, b) => a - b)
  let longest = 0
  let last = killedAt
  for (const time of after) {
    longest = Math.max(longest, time - last)
    last = time
  }
  return longest
}

/** Sends a statement to one member after the other until one answers with its record: the same statement is the same record everywhere. */
async function submitSomewhere(
  statement: string,
  start: number,
  members: readonly Member[],
  down: Set<string>,
): Promise<string> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const member = members[(start + attempt) % members.length]!
    if (down.has(member.id)) continue
    try {
      const client = new Client({ url: member.apiUrl, attemptsMax: 1, timeoutMs: 30_000 })
      const submitted = await client.submit(statement, { waitSeconds: 20 })
      if (submitted.kind === 'attested') return String(submitted.record.index)
    } catch (error) {
      if (error instanceof ProblemError && error.status < 500) throw error
      await new Promise((resolve) => setTimeout(resolve, 100)) // that member is down or not ready: try the next
    }
  }
  throw new Error('no member answered a statement')
}

function signed(item: Item, ledger: string, { party, signer }: Signing): string {
  return signStatement({ ...item.fields, ledger, type: item.type, party, key: item.key }, signer)
}

interface Signing {
  readonly party: string
  readonly signer: StatementSigner
}

/** Each party makes a key and asks two members, over their private listeners, to vouch for it. */
async function register(ledger: string, members: readonly Member[]): Promise<Record<Submitter, Signing>> {
  const random = new SystemRandom()
  const signings: Partial<Record<Submitter, Signing>> = {}
  for (const { submitter, id, name, role } of parties) {
    const seed = random.bytes(32)
    const tagged = taggedEd25519(ed25519PublicKey(seed))
    const signer: StatementSigner = { tagged, sign: (message) => ed25519Sign(seed, message) }
    const roles = role === undefined ? [] : [role]
    const request = signStatement({ ledger, type: keyRequestTypes.first, party: id, name, roles }, signer)
    for (const member of members.slice(0, 2)) {
      const fields = { type: 'party.register@1', key: `register ${kidOf(tagged)}`, request }
      const { status: answered, text } = await member.submitPlain(fields)
      if (answered !== 201) throw new Error(`${member.id} did not register ${id}: ${text}`)
    }
    signings[submitter] = { party: id, signer }
  }
  say(`${parties.length} submitters registered, each with the word of two members`)
  return signings as Record<Submitter, Signing>
}

/** Proofs and entries from any member; the judgement from a process that knows none of them. */
async function verifyElsewhere(members: readonly Member[], indices: readonly string[]): Promise<number> {
  const proofs = join(folder, 'proofs')
  mkdirSync(proofs)
  const policy = join(folder, 'policy')
  writeFileSync(policy, await (await fetch(`${members[0]!.apiUrl}/v1/policy`)).text())
  const queue = [...indices.entries()]
  const started = performance.now()
  let fetched = 0
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [at, index] = next
      const client = new Client({ url: members[at % members.length]!.apiUrl })
      const [proof, entry] = await Promise.all([client.proofFile(index), client.entry(index)])
      writeFileSync(join(proofs, `${index}.tlog-proof`), proof)
      writeFileSync(join(proofs, `${index}.entry`), entry)
      progress(++fetched, indices.length, started)
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  say('\nchecking every proof offline, in a process of its own')
  const verifier = fileURLToPath(new URL('./verify-proofs.ts', import.meta.url))
  const child = spawn(process.execPath, [verifier, policy, proofs], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  await new Promise((resolve) => child.once('close', resolve))
  return (JSON.parse(output) as { proofsVerified: number }).proofsVerified
}

async function status(member: Member): Promise<StatusAnswer> {
  return (await (await fetch(`${member.apiUrl}/v1/status`)).json()) as StatusAnswer
}

async function isReady(member: Member): Promise<boolean> {
  try {
    return (await fetch(`${member.apiUrl}/readyz`)).ok
  } catch {
    return false
  }
}

async function leaderOf(members: readonly Member[]): Promise<Member> {
  for (;;) {
    for (const member of members) {
      const { leader } = await status(member)
      const found = members.find(({ id }) => id === leader)
      if (found !== undefined) return found
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

function progress(done: number, total: number, started: number): void {
  if (!process.stderr.isTTY && done % 250 !== 0 && done !== total) return
  const width = 30
  const filled = Math.round((done / total) * width)
  const rate = Math.round(done / ((performance.now() - started) / 1000))
  const bar = `[${'█'.repeat(filled)}${'·'.repeat(width - filled)}] ${done}/${total}  ${rate}/s`
  process.stderr.write(process.stderr.isTTY ? `\r${bar}` : `${bar}\n`)
}

function describe(result: NonNullable<typeof summary>): string {
  const { ok, records, steps, sealed, duplicates, missing, roots, proofsVerified } = result
  const { leaderGapMs, recordsPerSecond, seconds } = result
  return [
    ok ? '共证 · everything held' : '不成立 · NOT everything held',
    `  ${records} records and ${steps} further steps attested (${duplicates} twice, ${missing} missing), ${proofsVerified} proofs checked offline`,
    `  ${recordsPerSecond} records/s over ${seconds} s; the leader change was felt for ${leaderGapMs} ms`,
    `  sealed: ${sealed.leaves} leaves, ${sealed.receipts} receipts kept, ${sealed.closes} closes; ${sealed.revealed} bids opened, ${sealed.replaced} replaced, ${sealed.withdrawn} withdrawn, ${sealed.notRevealed} not revealed`,
    `  public from the opening of the box to the deadline: ${counted(sealed.publicBefore)}`,
    `  public after it: ${counted(sealed.publicAfter)}`,
    `  roots: ${new Set(roots).size === 1 ? `all ${roots.length} nodes at ${roots[0]}` : roots.join(', ')}`,
  ].join('\n')
}

function counted({ records, bytes, byType }: PublicCount): string {
  const types = Object.entries(byType).toSorted((a, b) => b[1].records - a[1].records)
  const each = types.map(([type, count]) => `    ${type} × ${count.records}, ${count.bytes} bytes`)
  return [`${records} entries, ${bytes} bytes`, ...each].join('\n')
}
