/**
 * `npm run demo:cheat`: what if Wuhan cheats? Four cities as real processes; one of them does, act by act, whatever somebody can do who owns its
 * server and its keys (`cheat/acts.ts`). What came of each act is computed from the answers of the ledger, of `gongzheng audit` and of `gongzheng
 * fault verify`, and compared with what docs/trust.md promises: the exit code is not 0 if one of them is otherwise.
 *
 *   npm run demo:cheat [-- --json]
 */

import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { type Act, acts, type Outcome, type Props } from './cheat/acts.ts'
import { cheat, company, Theatre } from './cheat/theatre.ts'

const { values: flags } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const say = (text: string): void => void (flags.json ? process.stderr : process.stdout).write(`${text}\n`)
const begun = performance.now()

interface Played {
  readonly id: string
  readonly ok: boolean
  readonly outcome: Outcome
  readonly expected: Outcome
}

say('武汉作弊会怎样？ · What if Wuhan cheats?\n')
const theatre = await Theatre.open(fileURLToPath(new URL('../../.demo/cheat', import.meta.url)))
const played: Played[] = []
try {
  const props = await prepare()
  for (const [at, act] of acts.entries()) played.push(await show(act, at + 1, props))
} finally {
  await theatre.close()
}
const ok = played.length === acts.length && played.every((each) => each.ok)
const seconds = Math.round((performance.now() - begun) / 1000)
say(
  ok
    ? `\n✓ ${acts.length} 幕均如所承诺，用时 ${seconds} 秒 · all ${acts.length} acts came out as promised, in ${seconds} s`
    : `\n✗ 有的结果与承诺不符 · not all came out as promised`,
)
if (flags.json) process.stdout.write(`${JSON.stringify({ ok, acts: played })}\n`)
process.exitCode = ok ? 0 : 1

/** Records of several members and of a company, some of them in blocks that Wuhan sealed, and one that Wuhan must have cosigned. */
async function prepare(): Promise<Props> {
  await theatre.letWuhanLead()
  for (const id of ['guangzhou', 'beijing']) await theatre.register(id, theatre.companyKey)
  const companyIndex = await theatre.submit('hangzhou', theatre.document('its own', company.party, theatre.companyKey))
  await theatre.submit('beijing', theatre.ofCentre('beijing', 'one'))
  const early = await theatre.export('early')
  // Of four, three are a quorum: with one held, Wuhan's cosignature is on the certificate, and the next block carries it.
  theatre.node('hangzhou').hold(true)
  await theatre.submit('guangzhou', theatre.ofCentre('guangzhou', 'two'))
  await theatre.submit('guangzhou', theatre.ofCentre('guangzhou', 'three'))
  theatre.node('hangzhou').hold(false)
  await theatre.submit('beijing', theatre.ofCentre('beijing', 'four'))
  const late = await theatre.export('late')
  say(
    `账本共 ${theatre.sizeOf(late)} 条；指纹 ${theatre.genesis.fingerprint} · ${theatre.sizeOf(late)} entries, ledger ${theatre.genesis.fingerprint}`,
  )
  say(
    `牵头节点 · leader: ${(await theatre.status('beijing')).leader ?? '—'}；${cheat} 的密钥、数据与服务器都在作弊者手里 · the cheat holds its keys, data and server`,
  )
  return { early, late, companyIndex }
}

async function show(act: Act, number: number, props: Props): Promise<Played> {
  const { id, zh, en, expected } = act
  say(`\n${number}. ${zh.act} · ${en.act}`)
  say(`   武汉${zh.does}\n   Wuhan ${en.does}`)
  const outcome = await act.play(theatre, props)
  const isAsPromised = isDeepStrictEqual(outcome, expected)
  say(`   → ${zh.happens}\n   → ${en.happens}`)
  say(`   被指认 · named: ${zh.named} · ${en.named}`)
  for (const [name, value] of Object.entries(outcome)) {
    const isSame = isDeepStrictEqual(value, expected[name])
    const text = Array.isArray(value) ? value.join(', ') || '—' : String(value)
    say(`     ${isSame ? '✓' : '✗'} ${name}: ${text}${isSame ? '' : `  (${JSON.stringify(expected[name])})`}`)
  }
  return { id, ok: isAsPromised, outcome, expected }
}
