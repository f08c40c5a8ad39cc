/**
 * The verifier page (验证.html): what it makes of material, in Node; that the file which is committed is the one that its sources give; and the
 * page itself, opened from a file in headless Chromium with the network off, as an assessor opens it.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readArchive, writeArchive } from '../../src/chain/archive.ts'
import { formatBidFile } from '../../src/chain/bid-file.ts'
import { bundleFile } from '../../src/chain/bundle.ts'
import { toHex, utf8 } from '../../src/chain/bytes.ts'
import { sealMessage } from '../../src/chain/certificate.ts'
import { formatFault } from '../../src/chain/fault.ts'
import { bidReceiptMessage } from '../../src/chain/quiet-box.ts'
import { bidderDigest, type SealedContent, sealedLeaf, termsDigest } from '../../src/chain/sealed-bid.ts'
import { parseStatement, signStatement } from '../../src/chain/statement.ts'
import { type GivenFile, judge, kindOf } from '../../src/page/material.ts'
import { run } from '../node/cli/run.ts'
import { refoundedWith } from '../node/governance.ts'
import { company, documentBytes, documentName, LedgerStage } from '../node/ledger-stage.ts'
import { buildVerifierPage, verifierPagePath } from './build.ts'

/** With members that changed: two of four are gone, two joined. */
const refounded = new LedgerStage(4, { joining: 2 })
let laterBundle: GivenFile

const directory = mkdtempSync(join(tmpdir(), 'gongzheng-page-'))
const stage = new LedgerStage()
const other = new LedgerStage(7)
let bundle: GivenFile
let otherBundle: GivenFile
let fault: GivenFile

async function exported(of: LedgerStage, member: string, name: string, change = () => {}): Promise<GivenFile> {
  of.register('guangzhou')
  change()
  const id = of.attest()
  const file = join(directory, documentName)
  writeFileSync(file, documentBytes)
  const out = join(directory, name)
  const ran = await run('export', 'bundle', id, '--url', await of.serve(member), '--file', file, '--out', out)
  if (ran.code !== 0) throw new Error(ran.error)
  return { name, bytes: readFileSync(out) }
}

/** Two votes in one term, under beijing's seal key. */
function twoVotes(): GivenFile {
  const { world } = stage
  const context = { ledger: stage.genesis.ledger, epoch: 0 }
  const vote = (candidate: string) => {
    const message = sealMessage('VOTE', context, [9, candidate, [1, 1, new Uint8Array(32)]])
    return { message, signature: world.sign('beijing', 'seal', message) }
  }
  const kid = stage.genesis.members.find(({ id }) => id === 'beijing')!.node.seal
  const text = formatFault({ kid, form: 'sealed', first: vote('wuhan'), second: vote('hangzhou') })
  return { name: 'fault.json', bytes: utf8(text) }
}

/** A receipt under beijing's seal key, and the file that its bidder kept; `later`: the receipt says so many milliseconds more than was signed. */
function bidPapers(name: string, later = 0): Readonly<Record<'receipt' | 'own', GivenFile>> {
  const { ledger, members } = stage.genesis
  const { id: node } = members.find(({ id }) => id === 'beijing')!.node
  const tender = { owner: 'id:test:owner', scheme: 'test', code: 'T-1' }
  const at = { ledger, tender, section: '' }
  const digest = (text: string): string => createHash('sha256').update(`${name} ${text}`).digest('hex')
  const terms = { salt: digest('salt'), price: { form: 'amount', amount: '100' } }
  const bidders = [{ party: 'id:test:bidder', name: '某建设有限公司' }]
  const content: SealedContent = {
    kind: 'bid',
    ciphertext: digest('file'),
    terms: termsDigest(terms),
    bidder: bidderDigest(bidders.map(({ party }) => party)),
    oneTimeKey: members[0]!.centreKey,
    nonce: digest('nonce'),
  }
  const leaf = toHex(sealedLeaf(at, content))
  const own = formatBidFile({ at, content, leaf, bidders, terms, oneTimeSeed: '', fileKey: '', before: [] })
  const receipt = { tender, section: '', leaf, receivedAt: 1_800_000_000_123, node, round: 7 }
  const signature = toHex(stage.world.sign('beijing', 'seal', bidReceiptMessage({ ledger, epoch: 0 }, receipt)))
  const said = { ...receipt, receivedAt: receipt.receivedAt + later, ledger, epoch: 0, member: 'beijing', signature }
  return {
    receipt: { name: 'bid.receipt.json', bytes: utf8(JSON.stringify({ bidReceipt: said })) },
    own: { name: 'bid.json', bytes: utf8(own) },
  }
}

beforeAll(async () => {
  bundle = await exported(stage, 'beijing', '取证包.zip')
  otherBundle = await exported(other, 'wuhan', '另一账本.zip')
  laterBundle = await exported(refounded, 'xiamen', '换届之后.zip', () => {
    refoundedWith(refounded.world, ['xiamen', 'nanning'])
  })
  fault = twoVotes()
}, 120_000)
afterAll(async () => {
  await stage[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
  await refounded[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true, force: true })
})

const partOf = (name: string): GivenFile => ({ name, bytes: readArchive(bundle.bytes).files.get(name)! })
const flipped = ({ name, bytes }: GivenFile): GivenFile => ({
  name,
  bytes: bytes.map((byte, i) => (i === Math.floor(bytes.length / 2) ? byte ^ 1 : byte)),
})
/** A bundle in which one file has another byte. */
function tampered(name: string): GivenFile {
  const files = new Map(readArchive(bundle.bytes).files)
  files.set(name, flipped(partOf(name)).bytes)
  return { name: `${name.replaceAll('/', '_')}.zip`, bytes: writeArchive(files) }
}

describe('what material proves', () => {
  test('each kind is known by what it holds', () => {
    expect(kindOf(bundle)).toBe('bundle')
    expect(kindOf(fault)).toBe('fault')
    for (const [name, kind] of [
      [bundleFile.proof, 'proof'],
      [bundleFile.policy, 'policy'],
      [bundleFile.genesis, 'genesis'],
      [bundleFile.entry, 'entry'],
      [bundleFile.system, 'entry'],
    ] as const) {
      expect([name, kindOf({ ...partOf(name), name: 'x' })]).toEqual([name, kind])
    }
    expect(kindOf({ name: 'policy.txt', bytes: utf8('# ours\n\nlog a+00000000+AAAA\n') })).toBe('policy')
    expect(kindOf({ name: 'empty', bytes: utf8('') })).toBe('entry')
    expect(kindOf({ name: 'bytes', bytes: Uint8Array.of(0xff, 0xfe) })).toBe('entry')
  })

  test('a proof with its entry: said what is missing until it is there', () => {
    const [proof, entry, policy, genesis] = [
      bundleFile.proof,
      bundleFile.entry,
      bundleFile.policy,
      bundleFile.genesis,
    ].map(partOf)
    expect(judge([proof!], '')).toMatchObject({
      verdict: 'waiting',
      title: { zh: '还需要：条目的原始字节、验证信任清单或创世文件' },
    })
    expect(judge([proof!, entry!], '').title.zh).toBe('还需要：验证信任清单或创世文件')
    expect(judge([proof!, entry!, policy!], '').verdict).toBe('good')
    expect(judge([entry!, genesis!, proof!], '')).toMatchObject({
      verdict: 'good',
      fingerprint: stage.genesis.fingerprint,
    })
    expect(judge([entry!, genesis!, proof!], stage.genesis.fingerprint).verdict).toBe('good')
    expect(judge([entry!, genesis!, proof!], other.genesis.fingerprint).verdict).toBe('bad')
    expect(judge([flipped(entry!), policy!, proof!], '')).toMatchObject({ verdict: 'bad', claims: [{ state: 'bad' }] })
    expect(judge([entry!, policy!, partOf(bundleFile.systemProof)], '').verdict).toBe('bad')
    // The genesis proved by itself: entry 0.
    expect(judge([genesis!, partOf(bundleFile.genesisProof)], '').verdict).toBe('good')
  })

  test('beside the genesis of one ledger the policy of another proves nothing, whatever fingerprint is compared', () => {
    const theirs = (name: string): GivenFile => ({ name, bytes: readArchive(otherBundle.bytes).files.get(name)! })
    const [proof, entry, policy] = [bundleFile.proof, bundleFile.entry, bundleFile.policy].map(theirs)
    const genesis = partOf(bundleFile.genesis)
    for (const typed of ['', stage.genesis.fingerprint]) {
      expect(judge([proof!, entry!, policy!, genesis], typed).verdict).toBe('bad')
      const [own, itsProof] = [bundleFile.entry, bundleFile.proof].map(partOf)
      expect(judge([itsProof!, own!, policy!, genesis], typed).verdict).toBe('bad')
      // That of one node of the ledger is its own.
      const whole = Buffer.from(partOf(bundleFile.policy).bytes).toString()
      const ours = utf8(whole.replace(/^log .*\n(?=log )/, ''))
      expect(judge([itsProof!, own!, { name: 'policy.txt', bytes: ours }, genesis], typed).verdict).toBe('good')
    }
  })

  test('a fingerprint that was typed in and cannot be compared is not passed over', () => {
    const [proof, entry, policy] = [bundleFile.proof, bundleFile.entry, bundleFile.policy].map(partOf)
    for (const files of [[proof!, entry!, policy!], [fault]]) {
      expect(judge(files, stage.genesis.fingerprint)).toMatchObject({
        verdict: 'waiting',
        title: { zh: '还需要：创世文件，才能与所填指纹核对' },
      })
      expect(judge(files, '').verdict).toBe('good')
    }
    expect(judge([proof!, entry!, policy!], '').claims.at(-1)).toMatchObject({
      state: 'note',
      detail: { en: expect.stringContaining('This holds by the policy that was given') },
    })
  })

  test('a policy that asks for nobody’s cosignature: nobody is said to have cosigned', () => {
    const [proof, entry] = [bundleFile.proof, bundleFile.entry].map(partOf)
    const logs = Buffer.from(partOf(bundleFile.policy).bytes)
      .toString()
      .match(/^log .*$/gm)!
    const policy: GivenFile = { name: 'policy.txt', bytes: utf8(`${logs.join('\n')}\nquorum none\n`) }
    expect(judge([proof!, entry!, policy], '')).toMatchObject({
      verdict: 'bad',
      claims: [{ state: 'bad' }, {}, {}, {}],
    })
  })

  test('what an entry is: a record with its type and party; a refusal is never taken for one', async () => {
    const [proof, entry, genesis] = [bundleFile.proof, bundleFile.entry, bundleFile.genesis].map(partOf)
    const record = judge([proof!, { ...entry!, name: '条目.json' }, genesis!], '')
    expect(record.claims[2]).toMatchObject({
      state: 'good',
      title: { zh: '“条目.json”是什么条目' },
      detail: { zh: expect.stringContaining(`记录：类型 attest.hash@1，提交主体 ${company}`) },
    })
    const say = (value: string) => other.world.statement('wuhan', 'one key', value)
    other.world.submit('beijing', say('one'))
    other.world.submit('wuhan', say('another'))
    other.world.settle()
    const url = await other.serve('beijing')
    const { records } = (await (await fetch(`${url}/v1/records?type=refusal`)).json()) as {
      records: { index: string }[]
    }
    const at = `${url}/v1/records/${records[0]!.index}`
    const bytesOf = async (path: string) => new Uint8Array(await (await fetch(path)).arrayBuffer())
    const refusal = judge(
      [
        { name: 'proof', bytes: await bytesOf(`${at}/proof?format=tlog-proof`) },
        { name: 'entry', bytes: await bytesOf(`${at}?format=entry`) },
        { name: 'genesis', bytes: other.genesis.entry },
      ],
      other.genesis.fingerprint,
    )
    expect(refusal).toMatchObject({
      verdict: 'good',
      title: { zh: '成立：该条目在账本之中，是一份拒绝记录（报文未被接受）' },
    })
    expect(refusal.claims[2]).toMatchObject({
      state: 'note',
      detail: { en: expect.stringMatching(/refused by the rule statement\.key-reused\. It is no record/) },
    })
  })

  test('a verdict is about all that was given: two for one place, or what plays no part in it, is said first', () => {
    const [proof, entry, policy, genesis] = [
      bundleFile.proof,
      bundleFile.entry,
      bundleFile.policy,
      bundleFile.genesis,
    ].map(partOf)
    const false_ = { name: 'false.json', bytes: flipped(entry!).bytes }
    for (const files of [
      [bundle, otherBundle],
      [otherBundle, tampered(bundleFile.entry)],
      [proof!, false_, entry!, policy!],
      [proof!, entry!, policy!, fault],
      [bundle, genesis!],
    ]) {
      const judged = judge(files, '')
      expect(judged).toMatchObject({ verdict: 'waiting', claims: [] })
      expect(judged.title.zh).toMatch(/^尚未核验：/)
    }
    // The same file twice is one.
    expect(judge([proof!, entry!, { ...entry!, name: 'copy' }, policy!], '').verdict).toBe('good')
    const { receipt, own } = bidPapers('one')
    const another = bidPapers('another')
    expect(judge([own], '').title.en).toBe('Still needed: the receipt of the bid')
    for (const more of [another.receipt, another.own])
      expect(judge([receipt, own, genesis!, more], '').verdict).toBe('waiting')
    // Nor can another ledger’s policy bring records into the papers of a bid.
    const theirs = (name: string): GivenFile => ({ name, bytes: readArchive(otherBundle.bytes).files.get(name)! })
    expect(judge([receipt, own, genesis!, policy!], '').verdict).toBe('waiting')
    expect(judge([receipt, own, genesis!, theirs(bundleFile.policy)], '').verdict).toBe('bad')
    for (const [more, count] of [
      [[proof!], 1],
      [[entry!], 1],
      [[proof!, false_], 2],
    ] as const)
      expect(judge([receipt, own, genesis!, ...more], '').claims.at(-1)).toMatchObject({
        state: 'note',
        detail: { en: `${count} proofs or entries do not stand up, or lack the other one.` },
      })
    expect(judge([receipt, own, genesis!, proof!, entry!], '').claims).toHaveLength(4)
  })

  test('what members attested that joined later needs the proof of their epoch, and is good with it', () => {
    const files = readArchive(laterBundle.bytes).files
    const part = (name: string): GivenFile => ({ name, bytes: files.get(name)! })
    const [proof, entry, policy, genesis, epoch] = [
      bundleFile.proof,
      bundleFile.entry,
      bundleFile.policy,
      bundleFile.genesis,
      'members/1.cbor',
    ].map(part) as [GivenFile, GivenFile, GivenFile, GivenFile, GivenFile]
    expect(kindOf({ ...epoch, name: 'x' })).toBe('epoch')
    const judged = judge([laterBundle], refounded.genesis.fingerprint)
    expect([judged.verdict, judged.claims.map(({ state }) => state)]).toEqual(['good', Array(11).fill('good')])
    expect(judge([proof, entry, policy], '').verdict).toBe('good')
    expect(judge([proof, entry, genesis, epoch], refounded.genesis.fingerprint).verdict).toBe('good')
    expect(judge([proof, entry, genesis], '').verdict).toBe('bad')
    expect(judge([proof, entry, genesis, flipped(epoch)], '').verdict).toBe('bad')
    // Whose key a fault convicts, too: that of a member which joined.
    const { member } = refounded.world.member('xiamen')
    const vote = (candidate: string) => {
      const message = sealMessage('VOTE', { ledger: refounded.genesis.ledger, epoch: 1 }, [
        9,
        candidate,
        [1, 1, new Uint8Array(32)],
      ])
      return { message, signature: refounded.world.sign('xiamen', 'seal', message) }
    }
    const proven = formatFault({
      kid: member.node.seal,
      form: 'sealed',
      first: vote('beijing'),
      second: vote('nanning'),
    })
    const theirs: GivenFile = { name: 'fault.json', bytes: utf8(proven) }
    expect(judge([theirs, genesis], '').claims[1]).toMatchObject({ state: 'note' })
    expect(judge([theirs, genesis, epoch], '').claims[1]!.detail.en).toBe(`${member.name} (xiamen).`)
  })

  test('the receipt of a member that has gone, dated into an epoch after it, is nobody’s word', () => {
    const files = readArchive(laterBundle.bytes).files
    const papers = [bundleFile.genesis, 'members/1.cbor'].map((name) => ({ name, bytes: files.get(name)! }))
    const { ledger } = refounded.genesis
    const receiptOf = (id: string, epoch: number): GivenFile => {
      const { member } = refounded.world.member(id)
      const tender = { owner: 'id:test:owner', scheme: 'test', code: 'T-1' }
      const leaf = 'ab'.repeat(32)
      const said = { tender, section: '', leaf, receivedAt: 1_800_000_000_123, node: member.node.id, round: 7 }
      const signature = toHex(refounded.world.sign(id, 'seal', bidReceiptMessage({ ledger, epoch }, said)))
      const bidReceipt = { ...said, ledger, epoch, member: id, signature }
      return { name: 'receipt.json', bytes: utf8(JSON.stringify({ bidReceipt })) }
    }
    const judged = (id: string, epoch: number) => judge([receiptOf(id, epoch), ...papers], '').claims[0]!.state
    expect([judged('wuhan', 0), judged('beijing', 1), judged('xiamen', 1)]).toEqual(['good', 'good', 'good'])
    expect([judged('wuhan', 1), judged('xiamen', 0), judged('beijing', 2)]).toEqual(['bad', 'bad', 'bad'])
  })

  test('a fault proof names the member once the genesis is there', () => {
    expect(judge([fault], '')).toMatchObject({ verdict: 'good', claims: [{ state: 'good' }, { state: 'note' }] })
    const named = judge([fault, partOf(bundleFile.genesis)], '')
    expect(named.claims[1]).toMatchObject({ state: 'good', detail: { zh: '北京市公共资源交易中心（beijing）。' } })
    const theirs: GivenFile = { name: 'g', bytes: other.genesis.entry }
    expect(judge([fault, theirs], '')).toMatchObject({ verdict: 'bad' })
    expect(judge([flipped(fault)], '').verdict).toBe('bad')
  })
})

test('the page that is committed is the one that its sources give: npm run build:page', async () => {
  const built = await buildVerifierPage()
  expect(createHash('sha256').update(readFileSync(verifierPagePath)).digest('hex')).toBe(
    createHash('sha256').update(built).digest('hex'),
  )
  // Nothing of it is elsewhere, and nothing in it is let out.
  expect(built).not.toMatch(/<link|<img|<iframe|@import|url\(|\bsrc=|\bhref=/)
  expect(built).toMatch(
    /content="default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'"/,
  )
})

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)

describe.skipIf(browserPath === undefined)(
  browserPath === undefined
    ? 'left out: the page in a browser (there is no Chromium on this machine)'
    : 'the page in Chromium, from a file, network off',
  () => {
    let browser: Browser
    let page: Page
    const asked: string[] = []
    const complaints: string[] = []

    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: browserPath!, args: ['--no-sandbox', '--disable-gpu'] })
      const context = await browser.newContext({
        offline: true,
        viewport: { width: 1100, height: 900 },
        locale: 'zh-CN',
      })
      page = await context.newPage()
      page.on('request', (request) => asked.push(request.url()))
      page.on('console', (message) => complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(error.message))
      const opened = join(directory, '验证.html')
      writeFileSync(opened, partOf(bundleFile.verifier).bytes)
      await page.goto(pathToFileURL(opened).href)
    }, 120_000)
    afterAll(() => browser?.close())

    /** Resolves when the page shows what these files led to: every showing lists the files anew. */
    async function give(...files: readonly GivenFile[]): Promise<void> {
      await page.locator('#files li').evaluateAll((shownBefore) => {
        for (const item of shownBefore) item.setAttribute('data-before', '')
      })
      await page
        .locator('#picker')
        .setInputFiles(
          files.map(({ name, bytes }) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) })),
        )
      await page.waitForFunction(
        (count) => document.querySelectorAll('#files li:not([data-before])').length >= count,
        files.length,
      )
    }
    const clear = async () => {
      if (await page.locator('#result').isVisible()) await page.locator('#text-again').click()
    }
    const verdict = async () => [
      await page.locator('#verdict').getAttribute('class'),
      await page.locator('#verdict').innerText(),
    ]
    const states = () =>
      page.locator('#claims > li').evaluateAll((items) => items.map((item) => item.className.replace('claim ', '')))
    const picture = async (name: string) => {
      const folder = process.env.GONGZHENG_PICTURES
      if (folder === undefined) return
      mkdirSync(folder, { recursive: true })
      await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
    }

    test('empty: says what it takes, in both languages', async () => {
      expect(await page.locator('#result').isVisible()).toBe(false)
      expect(await page.locator('h1').innerText()).toBe('离线验证')
      await picture('empty')
      await page.locator('#text-other').click()
      expect(await page.locator('h1').innerText()).toBe('Verify off-line')
      await page.locator('#text-other').click()
    })

    test('a good bundle, dropped: green, the fingerprint, the record', async () => {
      const data = await page.evaluateHandle(
        ({ name, base64 }) => {
          const transfer = new DataTransfer()
          const content = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
          transfer.items.add(new File([content], name))
          return transfer
        },
        { name: bundle.name, base64: Buffer.from(bundle.bytes).toString('base64') },
      )
      await page.dispatchEvent('#zone', 'drop', { dataTransfer: data })
      await page.waitForSelector('#claims > li')
      expect(await verdict()).toEqual(['verdict good', '成立：各项均通过核验；请核对账本指纹'])
      expect(new Set(await states())).toEqual(new Set(['good']))
      expect(await page.locator('#fingerprint').innerText()).toBe(stage.genesis.fingerprint)
      expect(await page.locator('#record').innerText()).toContain('电子招标投标交易平台')
      await picture('bundle-good')
      // Compared with the charter, by whoever types it in.
      await page.locator('#expected').fill(stage.genesis.fingerprint.toLowerCase())
      expect((await states()).at(-1)).toBe('good')
      await page.locator('#expected').fill('0000-0000-0000-0000-0000')
      expect((await verdict())[0]).toBe('verdict bad')
      expect((await states()).at(-1)).toBe('bad')
      await picture('bundle-other-fingerprint')
    })

    test('a bundle of members that joined later: green, with their history; without the proof of their epoch: red', async () => {
      await clear()
      await give(laterBundle)
      expect((await verdict())[0]).toBe('verdict good')
      expect(new Set(await states())).toEqual(new Set(['good']))
      expect(await page.locator('#claims').innerText()).toMatch(/成员有过 1 次变动.*厦门市公共资源交易中心/s)
      await picture('bundle-later-members')
      const files = new Map(readArchive(laterBundle.bytes).files)
      files.delete('members/1.cbor')
      await clear()
      await give({ name: 'no-epoch.zip', bytes: writeArchive(files) })
      expect((await verdict())[0]).toBe('verdict bad')
    })

    test('each file of the bundle tampered with: red', async () => {
      for (const name of readArchive(bundle.bytes).files.keys()) {
        await clear()
        await give(tampered(name))
        expect([name, (await verdict())[0]]).toEqual([name, 'verdict bad'])
        expect([name, await states()]).toEqual([name, expect.arrayContaining(['bad'])])
        if (name === bundleFile.entry) await picture('bundle-tampered')
      }
    })

    test('a bundle of another ledger is good in itself and shows another fingerprint; its genesis in ours is red', async () => {
      await clear()
      await give(otherBundle)
      expect(await page.locator('#fingerprint').innerText()).toBe(other.genesis.fingerprint)
      const files = new Map(readArchive(bundle.bytes).files)
      for (const name of [bundleFile.genesis, bundleFile.policy])
        files.set(name, readArchive(otherBundle.bytes).files.get(name)!)
      await clear()
      await give({ name: 'mixed.zip', bytes: writeArchive(files) })
      expect((await verdict())[0]).toBe('verdict bad')
      await picture('bundle-mixed')
    })

    test('proof, entry and policy, one after the other; then another entry', async () => {
      await clear()
      await give(partOf(bundleFile.proof))
      expect((await verdict())[0]).toBe('verdict waiting')
      await picture('proof-waiting')
      await give(partOf(bundleFile.entry), partOf(bundleFile.policy))
      await page.waitForSelector('.verdict.good')
      await picture('proof-good')
      await give(flipped(partOf(bundleFile.entry)))
      await page.waitForSelector('.verdict.bad')
    })

    test('what hides or turns the text beside it is shown as what it is', async () => {
      const { ledger } = stage.genesis
      const source = { system: 's', operator: 'role:o', method: 'm', software: 'w', occurredAt: '2026-01-01T00:00:00Z' }
      const hash = { algorithm: 'sha256', value: '00'.repeat(32) }
      const fields = { subject: 'document', hash, mediaType: 'text/plain', source }
      const key = '\u202e00.001 元\u202c，不\u200b变更'
      const jws = signStatement({ ledger, type: 'attest.hash@1', party: company, key, ...fields }, stage.key)
      stage.take('guangzhou', jws)
      const out = join(directory, 'turned.zip')
      const url = await stage.serve('wuhan')
      const ran = await run('export', 'bundle', parseStatement(jws, ledger).id, '--url', url, '--out', out)
      expect([ran.code, ran.error]).toEqual([0, ''])
      await clear()
      await give({ name: 'zip.\u202eturned', bytes: readFileSync(out) })
      expect((await verdict())[0]).toBe('verdict good')
      expect(await page.locator('#record').innerText()).toContain('\\u202e00.001 元\\u202c，不\\u200b变更')
      expect(await page.locator('#files').innerText()).toContain('zip.\\u202eturned')
      expect(await page.locator('body').innerText()).not.toMatch(/[\u200b\u202a-\u202e]/)
      await picture('turned')
    })

    test('a fingerprint that was typed stays in sight, and is compared or asked for', async () => {
      await clear()
      await give(bundle)
      await page.locator('#expected').fill(stage.genesis.fingerprint)
      await give(partOf(bundleFile.proof), partOf(bundleFile.entry), partOf(bundleFile.policy))
      expect(await verdict()).toEqual(['verdict waiting', '还需要：创世文件，才能与所填指纹核对'])
      expect(await page.locator('#expected').isVisible()).toBe(true)
      await give(partOf(bundleFile.genesis))
      expect((await verdict())[0]).toBe('verdict good')
      expect(await states()).toEqual(['good', 'good', 'good', 'good'])
      await give(bundle, otherBundle)
      expect((await verdict())[0]).toBe('verdict waiting')
    })

    test('a fault proof, with the genesis that names the member', async () => {
      await clear()
      await give(fault, partOf(bundleFile.genesis))
      expect((await verdict())[0]).toBe('verdict good')
      expect(await page.locator('#claims').innerText()).toContain('北京市公共资源交易中心（beijing）')
      await picture('fault')
      await clear()
      await give(flipped(fault))
      expect((await verdict())[0]).toBe('verdict bad')
    })

    test('the receipt of a sealed bid: what is missing is named, then the genesis and its bidder’s own file', async () => {
      const { receipt, own } = bidPapers('one')
      await clear()
      await give(receipt)
      expect(await verdict()).toEqual(['verdict waiting', '还需要：创世文件'])
      await give(partOf(bundleFile.genesis))
      expect(await states()).toEqual(['good', 'open', 'open', 'open'])
      await give(own)
      expect((await verdict())[0]).toBe('verdict waiting')
      expect(await states()).toEqual(['good', 'good', 'open', 'open'])
      const said = await page.locator('#claims').innerText()
      expect(said).toContain('2027-01-15 16:00:00.123 +08:00，由 北京市公共资源交易中心（beijing）')
      await picture('receipt')
      await give({ name: own.name, bytes: bidPapers('another').own.bytes })
      expect((await verdict())[0]).toBe('verdict bad')
      expect(await states()).toEqual(['good', 'bad', 'open', 'open'])
      await clear()
      await give(partOf(bundleFile.genesis), { name: receipt.name, bytes: bidPapers('one', 1).receipt.bytes })
      expect((await verdict())[0]).toBe('verdict bad')
    })

    test('what is nothing of the kind is said to be, in English too', async () => {
      await clear()
      await page.locator('#text-other').click()
      await give({ name: 'x.zip', bytes: utf8('PK and nothing more') })
      expect(await verdict()).toEqual(['verdict bad', 'Not verified'])
      await picture('english')
      await page.locator('#text-other').click()
    })

    test('the explanation of the bundle opens without complaint, too', async () => {
      const opened = join(directory, '说明.html')
      writeFileSync(opened, partOf(bundleFile.explanation).bytes)
      const explanation = await page.context().newPage()
      explanation.on('console', (message) => complaints.push(message.text()))
      await explanation.goto(pathToFileURL(opened).href)
      expect(await explanation.locator('h1').innerText()).toBe('电子数据取证说明')
      // Its style is let in by its hash.
      expect(await explanation.locator('main').evaluate((main) => getComputedStyle(main).maxWidth)).not.toBe('none')
      const folder = process.env.GONGZHENG_PICTURES
      if (folder !== undefined) await explanation.screenshot({ path: join(folder, 'explanation.png'), fullPage: true })
      await explanation.close()
    })

    test('it asked for nothing but itself, and complained of nothing', () => {
      expect(asked).toHaveLength(1)
      expect(complaints).toEqual([])
    })
  },
)
