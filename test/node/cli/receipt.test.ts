/** `receipt status`: nodes served over HTTP, receipts as they gave them, and what a holder is told; then servers and files that lie. */
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { toBase64 } from '../../../src/chain/bytes.ts'
import { receiptMessage } from '../../../src/chain/receipt.ts'
import { formatReceiptFile } from '../../../src/chain/receipt-file.ts'
import { formatTime } from '../../../src/chain/time.ts'
import { LedgerStage } from '../ledger-stage.ts'
import { run, runJson, temporaryDirectory } from './run.ts'

interface Status {
  readonly ok: boolean
  readonly state: string
  readonly index: string | null
  readonly code: string | null
  readonly member: string
  readonly refusedElsewhere: string | null
  readonly attestedSize: { readonly atReceipt: string; readonly now: string | null }
  readonly asked: readonly { readonly says: string; readonly detail: string }[]
  readonly problem?: { readonly code: string }
}

const stage = new LedgerStage()
const { world } = stage
let url: string
/** Receipts of statements that are records, refused and unanswered. */
const files: Record<'recorded' | 'refused' | 'open', string> = { recorded: '', refused: '', open: '' }

beforeAll(async () => {
  const recorded = world.statement('wuhan', 'recorded')
  stage.take('wuhan', recorded)
  files.recorded = receiptFile(recorded)
  // The same key with two contents, brought to two members at once: the ledger takes one.
  world.submit('beijing', world.statement('wuhan', 'twice', 'one'))
  const second = world.statement('wuhan', 'twice', 'two')
  world.submit('hangzhou', second)
  world.settle()
  files.refused = receiptFile(second, ({ pending }) => pending.settlement?.kind === 'refused')
  const open = world.statement('wuhan', 'open')
  const [, two, three] = world.followers()
  for (const id of [two!, three!]) world.kill(id)
  const through = world.ids.find((id) => world.member(id).replica !== undefined)!
  world.submit(through, open)
  world.clock.advance(50)
  files.open = receiptFile(open)
  url = await stage.serve(through)
})
afterAll(() => stage[Symbol.asyncDispose]())

type Promised = (typeof world.promised)[number]

/** The receipt that a node gave, as the API answers it, with its statement. */
function receiptFile(
  statement: string,
  which: (promised: Promised) => boolean = () => true,
  change: { readonly by?: number; readonly attestedSize?: number } = {},
): string {
  const { member, pending } = world.promised.findLast(which)!
  const body = { ...pending.receipt, ...change }
  const isChanged = Object.keys(change).length > 0
  const signature = isChanged ? world.sign(member, 'seal', receiptMessage(world.rules.context, body)) : body.signature
  const receipt = {
    statement: body.statement,
    ledger: world.genesis.ledger,
    member,
    node: body.node,
    receivedAt: formatTime(body.receivedAt),
    attestedSize: String(body.attestedSize),
    by: formatTime(body.by),
    epoch: '0',
    signature: toBase64(signature),
  }
  return formatReceiptFile(receipt, statement)
}

function onDisk(content: string): string {
  const file = join(temporaryDirectory(), 'receipt.json')
  writeFileSync(file, content)
  return file
}

const changed = (content: string, change: (receipt: Record<string, unknown>) => void): string => {
  const file = JSON.parse(content) as { receipt: Record<string, unknown> }
  change(file.receipt)
  return JSON.stringify(file)
}

/** Years later, as this machine's clock says: beyond every window. */
function later(): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2126, 0, 1) })
  onTestFinished(() => void vi.useRealTimers())
}

test('answered by a record: its proof, checked, and written so that anybody can check it off-line; exit code 0', async () => {
  const directory = temporaryDirectory()
  const [proof, entry, policy] = ['a.tlog-proof', 'a.entry', 'policy.txt'].map((name) => join(directory, name))
  const paths = ['--proof', proof!, '--entry', entry!, '--policy', policy!]
  const ran = await runJson<Status>('receipt', 'status', onDisk(files.recorded), '--url', url, ...paths)
  expect([ran.code, ran.json.ok, ran.json.state, ran.json.member]).toEqual([0, true, 'recorded', 'wuhan'])
  expect((await run('verify', ...paths)).code).toBe(0)
  expect(readFileSync(entry!, 'utf8')).toContain('"member":"wuhan"')
  expect((await run('receipt', 'status', onDisk(files.recorded), '--url', url, '--lang', 'zh')).out).toMatch(
    /已入账：账本第 \d+ 条，证明已核验/,
  )
})

test('answered by a refusal: the refusal record, checked; exit code 1', async () => {
  const ran = await runJson<Status>('receipt', 'status', onDisk(files.refused), '--url', url)
  expect([ran.code, ran.json.state, ran.json.code]).toEqual([1, 'refused', 'statement.key-reused'])
  expect(ran.json.asked).toMatchObject([{ says: 'refusal', detail: ran.json.index }])
})

test('not answered, and the window open: by when, how far the ledger was and is, and that waiting is fine; exit code 4', async () => {
  const file = onDisk(files.open)
  const ran = await runJson<Status>('receipt', 'status', file, '--url', url)
  expect([ran.code, ran.json.state, ran.json.asked[0]!.says]).toEqual([4, 'waiting', 'pending'])
  expect(Number(ran.json.attestedSize.now)).toBeGreaterThan(1)
  const { out } = await run('receipt', 'status', file, '--url', url)
  expect(out).toMatch(/Not answered yet[\s\S]*Attested then[\s\S]*Nothing needs to be done/)
})

test('the window over and nothing attested since: the ledger stands still, and the receipt holds', async () => {
  later()
  const ran = await runJson<Status>('receipt', 'status', onDisk(files.open), '--url', url)
  expect([ran.code, ran.json.state]).toEqual([4, 'standstill'])
})

test('the window over and the ledger gone on without it: overdue, what to do, and nobody blamed', async () => {
  const { statement } = JSON.parse(files.open) as { statement: string }
  const file = onDisk(receiptFile(statement, undefined, { by: world.clock.wall() - 3_600_000, attestedSize: 1 }))
  later()
  const ran = await runJson<Status>('receipt', 'status', file, '--url', url)
  expect([ran.code, ran.json.state, ran.json.attestedSize.atReceipt]).toEqual([4, 'overdue', '1'])
  const english = await run('receipt', 'status', file, '--url', url)
  expect(english.out).toContain(`gongzheng submit ${file} --url`)
  expect(english.out).toContain('shows nobody to be at fault')
  expect((await run('receipt', 'status', file, '--url', url, '--lang', 'zh')).out).toMatch(
    /逾期未答[\s\S]*不能据此认定任何成员有错/,
  )
})

test('a refusal of another member’s copy does not answer this receipt', async () => {
  const { member, pending } = world.promised.find(({ pending }) => pending.settlement?.kind === 'refused')!
  const other = world.ids.find((id) => id !== member)!
  const node = world.member(other).member.node.id
  const body = { ...pending.receipt, node }
  const signature = toBase64(world.sign(other, 'seal', receiptMessage(world.rules.context, body)))
  const file = changed(files.refused, (receipt) => Object.assign(receipt, { member: other, node, signature }))
  const ran = await runJson<Status>('receipt', 'status', onDisk(file), '--url', url)
  expect([ran.code, ran.json.state]).toEqual([4, 'waiting'])
  expect(ran.json.refusedElsewhere).not.toBeNull()
})

test('a receipt that no member signed is none, whatever it says: exit code 1', async () => {
  const cases: readonly (readonly [string, (receipt: Record<string, unknown>) => void])[] = [
    ['receipt.bad-signature', (receipt) => Object.assign(receipt, { attestedSize: '7' })],
    // Of an epoch that nobody has proven.
    ['receipt.not-a-member', (receipt) => Object.assign(receipt, { epoch: '1' })],
    ['receipt.not-a-member', (receipt) => Object.assign(receipt, { member: 'xiamen' })],
    ['receipt.not-a-member', (receipt) => Object.assign(receipt, { node: '0011223344556677' })],
    ['receipt.malformed', (receipt) => Object.assign(receipt, { by: 'soon' })],
    ['receipt.malformed', (receipt) => Object.assign(receipt, { attestedSize: '-1' })],
    ['receipt.malformed', (receipt) => delete receipt.signature],
    ['receipt.other-statement', (receipt) => Object.assign(receipt, { statement: '00'.repeat(32) })],
  ]
  for (const [code, change] of cases) {
    const ran = await runJson<Status>('receipt', 'status', onDisk(changed(files.recorded, change)), '--url', url)
    expect([ran.code, ran.json.problem?.code], code).toEqual([1, code])
  }
  for (const content of ['', '{', 'null', '[]', '{"receipt":{}}', '\u{ff}'])
    expect(await run('receipt', 'status', onDisk(content), '--url', url), content).toMatchObject({ code: 1 })
  expect(await run('receipt', 'status', '/nonexistent', '--url', url)).toMatchObject({ code: 2 })
})

test('the ledger is the one that the receipt names, whoever shows its genesis', async () => {
  const file = onDisk(files.recorded)
  const { fingerprint } = world.genesis
  const good = await runJson<Status>(
    'receipt',
    'status',
    file,
    '--url',
    url,
    '--fingerprint',
    fingerprint.toLowerCase(),
  )
  expect(good.code).toBe(0)
  // All digits of the ledger's id, as a charter may print them.
  const { ledger } = world.genesis
  for (const [digits, code] of [
    [ledger, 0],
    [`${ledger.slice(0, 63)}${ledger.endsWith('0') ? '1' : '0'}`, 1],
  ] as const)
    expect((await run('receipt', 'status', file, '--url', url, '--fingerprint', digits)).code).toBe(code)
  const other = '0000-0000-0000-0000-0000'
  const ran = await runJson<Status>('receipt', 'status', file, '--url', url, '--fingerprint', other)
  expect([ran.code, ran.json.problem?.code]).toEqual([1, 'receipt.other-ledger'])
  const foreign = onDisk(
    changed(JSON.stringify({ receipt: JSON.parse(files.recorded).receipt }), (receipt) =>
      Object.assign(receipt, { ledger: '11'.repeat(32) }),
    ),
  )
  const asked = await runJson<Status>('receipt', 'status', foreign, '--url', url)
  expect([asked.code, asked.json.problem?.code]).toEqual([1, 'receipt.other-ledger'])
})

/** Passes on what the node says but for what it would rather say. */
async function liar(
  lie: (path: string) => { readonly status: number; readonly body: string | Uint8Array } | string | undefined,
) {
  const server = createServer(async (request, response) => {
    const said = lie(request.url!)
    if (typeof said === 'object')
      return response.writeHead(said.status, { 'content-type': 'application/json' }).end(said.body)
    const passed = await fetch(url + (said ?? request.url!), {
      headers: { accept: String(request.headers.accept ?? '*/*') },
    })
    response.writeHead(passed.status, { 'content-type': String(passed.headers.get('content-type')) })
    response.end(new Uint8Array(await passed.arrayBuffer()))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('what a server claims is an answer only with its proof, and the next one is asked', async () => {
  const { receipt } = JSON.parse(files.open) as { receipt: { statement: string } }
  const claim = JSON.stringify({ index: '1', status: 'attested' })
  const anotherEntry = await liar((path) =>
    path.includes(receipt.statement) ? { status: 200, body: claim } : undefined,
  )
  const file = onDisk(files.open)
  const told = await runJson<Status>('receipt', 'status', file, '--url', anotherEntry, '--url', url)
  expect([told.code, told.json.asked.map(({ says }) => says)]).toEqual([4, ['not-proven', 'pending']])
  const { statement } = JSON.parse(files.recorded).receipt as { statement: string }
  const hides = await liar((path) => (path.includes(statement) ? '/v1/records/999999' : undefined))
  const asked = await runJson<Status>('receipt', 'status', onDisk(files.recorded), '--url', hides, '--url', url)
  expect([asked.code, asked.json.asked.map(({ says }) => says)]).toEqual([0, ['unknown', 'record']])
  const forged = await liar((path) => (path.endsWith('format=entry') ? { status: 200, body: '{}' } : undefined))
  const proof = await runJson<Status>('receipt', 'status', onDisk(files.recorded), '--url', forged)
  expect([proof.code, proof.json.asked[0]!.says]).toEqual([4, 'not-proven'])
})

test('nobody answers: exit code 3, and nothing is said about the statement', async () => {
  const genesis = join(temporaryDirectory(), 'genesis.json')
  writeFileSync(genesis, world.genesis.entry)
  const gone = await liar(() => ({ status: 500, body: 'no' }))
  for (const more of [[], ['--genesis', genesis]]) {
    const ran = await runJson<Status>('receipt', 'status', onDisk(files.open), '--url', gone, ...more)
    expect([ran.code, ran.json.problem?.code]).toEqual([3, 'connection.no-answer'])
  }
})
