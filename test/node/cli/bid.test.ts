/**
 * The bidder's tool from sealing to the answers that a receipt gives, against whole nodes served over HTTP: what is made at home, handed in,
 * replaced, withdrawn, closed, opened, and checked, with members and without.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RecordListAnswer } from '../../../src/api/answers.ts'
import { parseBidFile } from '../../../src/chain/bid-file.ts'
import type { JsonObject } from '../../../src/chain/json.ts'
import { BoxStage } from '../box-stage.ts'
import { LedgerStage } from '../ledger-stage.ts'
import { type Ran, run, runJson, temporaryDirectory } from './run.ts'

const stage = new LedgerStage(4, { parameters: { boxRoundMs: 5_000, boxFastRoundMs: 1_000 } })
const { world } = stage
const door = 'beijing'
let url: string
let box: BoxStage

beforeAll(async () => {
  box = new BoxStage(world, '永春 01', { deadlineMs: 300_000 })
  url = await stage.serve(door)
})
afterAll(() => stage[Symbol.asyncDispose]())

/** A node answers a leaf at its next beat, and its clock is ours. */
async function beating(command: Promise<Ran>): Promise<Ran> {
  let ran: Ran | undefined
  const done = command.then((given) => {
    ran = given
  })
  while (ran === undefined) {
    await turn()
    world.clock.advance(1)
  }
  await done
  return ran
}

interface Home {
  readonly path: (name: string) => string
  /** Seals a document of this name; its own file. */
  seal(name: string, bidder: string): Promise<string>
}

function home(): Home {
  const directory = temporaryDirectory()
  const path = (name: string): string => join(directory, name)
  writeFileSync(path('terms.json'), JSON.stringify({ price: { form: 'amount', amount: '1794.5831', unit: '1' } }))
  return {
    path,
    async seal(name, bidder) {
      writeFileSync(path(name), `投标文件 ${name}`.repeat(1_000))
      const { owner, scheme, code } = box.about.tender
      const about = ['--owner', owner, '--scheme', scheme, '--code', code, '--ledger', box.at.ledger]
      const who = ['--bidder', `${bidder}=某建设有限公司`, '--terms', path('terms.json')]
      const { code: ended, error } = await run('bid', 'seal', path(name), ...about, ...who)
      expect(error).toBe('')
      expect(ended).toBe(0)
      return path(`${name}.bid.json`)
    },
  }
}

async function handIn(bid: string): Promise<string> {
  const ran = await beating(run('bid', 'hand-in', bid, '--url', url))
  expect(ran.error).toBe('')
  expect(ran.code).toBe(0)
  return `${bid}.receipt.json`
}

interface Checked {
  readonly ok: boolean
  readonly answers: readonly { readonly question: string; readonly state: string; readonly detail: string }[]
}
const statesOf = ({ answers }: Checked): string => answers.map(({ state }) => state).join(' ')

test('what is sealed opens with its own file and no other, and neither file shows the other’s secret', async () => {
  const { seal, path } = home()
  const bid = await seal('a.zip', 'id:test:a')
  const other = await seal('b.zip', 'id:test:b')
  expect(statSync(bid).mode & 0o777).toBe(0o600)
  expect(statSync(path('a.zip.sealed')).mode & 0o777).toBe(0o600)
  expect((await run('bid', 'open', bid, path('a.zip.sealed'), '--out', path('opened'))).code).toBe(0)
  expect(readFileSync(path('opened'))).toEqual(readFileSync(path('a.zip')))
  const wrong = await runJson<{ problem: { code: string } }>(
    'bid',
    'open',
    other,
    path('a.zip.sealed'),
    '--out',
    path('x'),
  )
  expect(wrong.json.problem.code).toBe('bid-file.not-opened')
  expect(() => statSync(path('x'))).toThrow('ENOENT')
  const changed = readFileSync(path('a.zip.sealed'))
  changed[changed.length - 20]! ^= 1
  writeFileSync(path('changed'), changed)
  writeFileSync(path('cut'), changed.subarray(0, 30))
  for (const name of ['changed', 'cut', 'a.zip']) {
    expect((await run('bid', 'open', bid, path(name), '--out', path('x'))).code, name).toBe(1)
  }
  expect(readFileSync(path('a.zip.sealed')).includes('投标文件')).toBe(false)
  // Sealed again it has another leaf, salt, nonce and key: nothing can be tried out from what is public.
  const first = parseBidFile(readFileSync(bid))
  const again = parseBidFile(readFileSync(other))
  expect(first.terms.salt).not.toBe(again.terms.salt)
  expect((await run('bid', 'seal', path('a.zip'), '--owner', 'x')).code).toBe(2)
})

test('from sealing to the opening: handed in, replaced, withdrawn, opened, and every receipt answers', async () => {
  const { seal, path } = home()
  const bid = await seal('bid.zip', 'id:test:one')
  const receipt = await handIn(bid)
  const before = readFileSync(receipt, 'utf8')
  await handIn(bid)
  expect(readFileSync(receipt, 'utf8')).toBe(before)

  writeFileSync(path('cheaper.zip'), 'cheaper')
  expect((await run('bid', 'replace', bid, path('cheaper.zip'), '--terms', path('terms.json'))).code).toBe(0)
  const cheaper = path('cheaper.zip.bid.json')
  const cheaperReceipt = await handIn(cheaper)
  const gone = await seal('gone.zip', 'id:test:two')
  await handIn(gone)
  expect((await run('bid', 'withdraw', gone)).code).toBe(0)
  const withdrawal = `${gone}.withdrawal.json`
  const withdrawalReceipt = await handIn(withdrawal)
  expect((await run('bid', 'withdraw', withdrawal)).code).toBe(2)

  // Before the close: received and unchanged, and for the rest there is nothing yet.
  const early = await runJson<Checked>('receipt', 'check', receipt, bid, path('bid.zip.sealed'), '--url', url)
  expect([early.code, statesOf(early.json)]).toEqual([4, 'good good open open'])
  const another = await runJson<Checked>('receipt', 'check', receipt, bid, path('gone.zip.sealed'), '--url', url)
  expect([another.code, statesOf(another.json)]).toEqual([1, 'good bad open open'])
  const tooEarly = await runJson<{ problem: { code: string } }>('bid', 'reveal', bid, '--url', url)
  expect(tooEarly.json.problem.code).toBe('bid-file.not-in-close')

  world.clock.advance(Math.max(0, box.deadline - world.clock.wall()))
  box.untilClosed()
  world.clock.advance(5_000)
  for (const [own, type] of [
    [cheaper, 'bid.reveal@1'],
    [withdrawal, 'bid.withdrawal@1'],
  ] as const) {
    const fields = `${own}.fields.json`
    const { code, error } = await run('bid', 'reveal', own, '--url', url, '--out', fields)
    expect([code, error]).toEqual([0, ''])
    const { type: said, key: _, ...shown } = JSON.parse(readFileSync(fields, 'utf8')) as JsonObject
    expect(said).toBe(type)
    // The world's clock is not this machine's.
    const decrypted = type === 'bid.reveal@1' ? { decryptedAt: new Date(world.clock.wall()).toISOString() } : {}
    expect(box.outcome(type, { ...shown, ...decrypted })).toBe('record')
  }
  world.settle()

  const files = [
    [receipt, bid, 'replaced'],
    [cheaperReceipt, cheaper, 'revealed as a bid'],
    [`${gone}.receipt.json`, gone, 'withdrawn'],
    [withdrawalReceipt, withdrawal, 'shown as a withdrawal'],
  ] as const
  for (const [paper, own, as] of files) {
    const { code, json } = await runJson<Checked>('receipt', 'check', paper, own, '--url', url)
    expect([code, statesOf(json)], as).toEqual([0, 'good good good good'])
    expect(json.answers[3]!.detail).toContain(as)
  }

  // The same from files alone: two records with their proofs, and the genesis.
  writeFileSync(path('genesis.json'), world.genesis.entry)
  const offline: string[] = []
  const listed = async (query: string): Promise<readonly { readonly index: string }[]> =>
    ((await (await fetch(`${url}/v1/records?${query}`)).json()) as RecordListAnswer).records
  const records = [...(await listed(`type=box.close@1&member=${door}`)), ...(await listed('type=bid.reveal@1'))]
  for (const { index } of records) {
    const [proof, entry] = [path(`${index}.tlog-proof`), path(`${index}.entry`)]
    expect((await run('get', index, '--proof', proof, '--entry', entry, '--url', url)).code).toBe(0)
    offline.push(proof, entry)
  }
  const papers = [path('genesis.json'), cheaperReceipt, cheaper, path('cheaper.zip.sealed'), ...offline]
  const alone = await runJson<Checked>('receipt', 'check', ...papers)
  expect([alone.code, statesOf(alone.json)]).toEqual([0, 'good good good good'])
  // A proof without its entry proves nothing, and is not used.
  const less = await run('receipt', 'check', ...papers.filter((name) => !name.endsWith('.entry')))
  expect(less.code).toBe(4)
  expect(less.error).toContain('were not used')
  expect((await run('receipt', 'check', cheaperReceipt, cheaper)).code).toBe(2)
  const chinese = await run('receipt', 'check', ...papers, '--lang', 'zh')
  expect(chinese.out).toContain('何时收到')
})

test('a claim has what the receipt says', async () => {
  const { path } = home()
  const bidReceipt = {
    ledger: box.at.ledger,
    epoch: 0,
    member: door,
    node: world.member(door).member.node.id,
    ...box.about,
    leaf: 'ab'.repeat(32),
    receivedAt: 5,
    round: 7,
    signature: 'cd'.repeat(64),
  }
  writeFileSync(path('r.json'), JSON.stringify({ bidReceipt }))
  const { code, out } = await run('bid', 'claim', path('r.json'))
  expect(code).toBe(0)
  const { leaf, receivedAt, round, signature, epoch, member } = bidReceipt
  expect(JSON.parse(out)).toMatchObject({
    type: 'bid.claim@1',
    tender: box.about.tender,
    receipt: { leaf, receivedAt, round, signature, epoch, member },
  })
  expect((await run('receipt', 'check', path('r.json'), '--url', url)).code).toBe(1)
  expect(world.faults).toEqual([])
})
