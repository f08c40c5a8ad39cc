/** Court bundles from a real ledger, through the command line: what goes in, what comes out, and what is noticed when it is changed. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { unzipSync, zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ArchiveFiles, readArchive, writeArchive } from '../../../src/chain/archive.ts'
import { type BundleReport, bundleFile, type ClaimId, examineBundle, verifyBundle } from '../../../src/chain/bundle.ts'
import { explanationEdition, explanationPage } from '../../../src/chain/bundle-page.ts'
import { utf8 } from '../../../src/chain/bytes.ts'
import { canonicalJson, type JsonObject } from '../../../src/chain/json.ts'
import { signStatement } from '../../../src/chain/statement.ts'
import { verifierPage } from '../../../src/node/cli/bundle.ts'
import { company, companyName, documentBytes, documentName, keyOf, LedgerStage } from '../ledger-stage.ts'
import { run, runJson, temporaryDirectory } from './run.ts'

const stage = new LedgerStage()
let url: string
let id: string
let bytes: Uint8Array
let files: ArchiveFiles

beforeAll(async () => {
  stage.register('guangzhou')
  id = stage.attest()
  url = await stage.serve('beijing')
  bytes = await exported(id, '--file', documentFile())
  files = readArchive(bytes).files
})
afterAll(() => stage[Symbol.asyncDispose]())

function documentFile(content: Uint8Array = documentBytes): string {
  const file = join(shared, documentName)
  writeFileSync(file, content)
  return file
}

const shared = mkdtempSync(join(tmpdir(), 'gongzheng-bundle-'))
afterAll(() => rmSync(shared, { recursive: true, force: true }))

async function exported(what: string, ...more: readonly string[]): Promise<Uint8Array> {
  const out = join(shared, 'bundle.zip')
  const ran = await run('export', 'bundle', what, '--url', url, '--out', out, ...more)
  if (ran.code !== 0) throw new Error(ran.error)
  return readFileSync(out)
}

const stateOf = (report: BundleReport, claim: ClaimId) => report.claims.find(({ id: each }) => each === claim)?.state
const states = (report: BundleReport) => Object.fromEntries(report.claims.map(({ id: each, state }) => [each, state]))

/** With the list of hashes made to fit, as somebody would who knows what he is doing. */
function withSums(changed: ReadonlyMap<string, Uint8Array>): ArchiveFiles {
  const fitting = new Map(changed)
  fitting.delete(bundleFile.sums)
  const line = (name: string) => `${createHash('sha256').update(fitting.get(name)!).digest('hex')}  ${name}\n`
  fitting.set(bundleFile.sums, utf8([...fitting.keys()].sort().map(line).join('')))
  return fitting
}

/** The explanation and the list of hashes made to fit: whoever forges a bundle has this software, too. */
function refitted(changed: ReadonlyMap<string, Uint8Array>): ArchiveFiles {
  const { facts } = examineBundle(withSums(changed))
  const names = [...new Set([...changed.keys(), bundleFile.sums])]
  const page = facts === undefined ? '' : explanationPage(facts, names)
  return withSums(new Map(changed).set(bundleFile.explanation, utf8(page)))
}

const flipped = (content: Uint8Array, at = Math.floor(content.length / 2)): Uint8Array =>
  content.map((byte, i) => (i === at ? byte ^ 1 : byte))

describe('a bundle', () => {
  test('says who, what, when and by whom, and every claim holds', () => {
    const report = verifyBundle(bytes)
    expect(states(report)).toEqual({
      files: 'good',
      founding: 'good',
      cosigned: 'good',
      included: 'good',
      time: 'good',
      statement: 'good',
      key: 'good',
      members: 'good',
      original: 'good',
      pages: 'good',
    })
    expect(report).toMatchObject({
      ok: true,
      fingerprint: stage.genesis.fingerprint,
      facts: {
        kind: 'record',
        statementId: id,
        party: company,
        block: { epoch: 0 },
        key: { name: companyName, standing: 'unilateral', vouchers: ['广州公共资源交易中心'], endings: [] },
        original: { name: documentName, length: documentBytes.length },
      },
    })
    expect(report.facts!.cosigners).toHaveLength(3)
  })

  test('needs nothing else: entry, proofs, policy, genesis, registration, pages, original', () => {
    expect([...files.keys()].sort()).toEqual(
      [
        ...Object.values(bundleFile).filter((name) => !name.endsWith('/') && name !== bundleFile.refused),
        'keys/2.json',
        'keys/2.tlog-proof',
        `original/${documentName}`,
      ].sort(),
    )
    expect(Buffer.from(files.get(bundleFile.verifier)!)).toEqual(Buffer.from(verifierPage()))
    expect(Buffer.from(files.get(`original/${documentName}`)!)).toEqual(documentBytes)
  })

  test('is the same bytes whenever it is exported, also after the ledger has grown', async () => {
    const before = await exported(id, '--file', documentFile())
    stage.attest()
    expect(Buffer.from(await exported(id, '--file', documentFile())).equals(before)).toBe(true)
  })

  test('by index or by statement id', async () => {
    const index = String(verifyBundle(bytes).facts!.index)
    expect(Buffer.from(await exported(index, '--file', documentFile())).equals(bytes)).toBe(true)
  })

  test('packed anew by somebody, compressed and in a folder, still verifies, and says so', () => {
    const anew = zipSync(Object.fromEntries([...files].map(([name, content]) => [`取证包/${name}`, content])), {
      level: 6,
    })
    const report = verifyBundle(anew)
    expect([report.ok, stateOf(report, 'files')]).toEqual([true, 'note'])
    expect(unzipSync(anew)['取证包/bundle.json']).toBeDefined()
  })

  test('the edition of the explanation goes up when the explanation changes', () => {
    // Whoever sees this fail: add one to explanationEdition, and put the new hash here.
    const page = Buffer.from(files.get(bundleFile.explanation)!).toString()
    const style = /<style>([\s\S]*)<\/style>/.exec(page)![1]!
    const words = page.replace(style, '').replace(/[0-9a-zA-Z+/=:. -]+/g, '~')
    const hash = createHash('sha256')
      .update(style + words)
      .digest('hex')
      .slice(0, 16)
    expect([explanationEdition, hash]).toMatchInlineSnapshot(`
      [
        3,
        "ba9d1ba8c4e82043",
      ]
    `)
  })
})

describe('changed', () => {
  test('one byte of any file is found, and the file is named', () => {
    for (const [name, content] of files) {
      if (name === bundleFile.sums) continue
      const report = examineBundle(new Map(files).set(name, flipped(content)))
      expect([name, report.ok, stateOf(report, 'files')]).toEqual([name, false, 'bad'])
      expect(report.claims[0]!.detail.zh, name).toContain(name)
    }
    expect(examineBundle(new Map(files).set(bundleFile.sums, flipped(files.get(bundleFile.sums)!))).ok).toBe(false)
  })

  test('one byte of any file, with the list of hashes made to fit, is found by what the file says', () => {
    for (const [name, content] of files) {
      if (name === bundleFile.sums) continue
      for (const at of [0, Math.floor(content.length / 3), content.length - 1]) {
        const page = createHash('sha256').update(verifierPage()).digest('hex')
        const report = examineBundle(withSums(new Map(files).set(name, flipped(content, at))), { verifierPage: page })
        expect(stateOf(report, 'files'), name).toBe('good')
        // The page that checks cannot be proved by what it checks: it is said not to be ours.
        if (name === bundleFile.verifier) expect(stateOf(report, 'pages')).toBe('note')
        else expect([name, at, report.ok]).toEqual([name, at, false])
      }
    }
  })

  test('the block of an earlier record, to make it seem older than it is', async () => {
    const { block } = verifyBundle(bytes).facts!
    const earlier = readArchive(await exported('2')).files
    const [own, before] = [files, earlier].map((each) => each.get(bundleFile.batch)!)
    expect(verifyBundle(await exported('2')).facts!.block.time).toBeLessThan(block.time)
    const { batch } = JSON.parse(Buffer.from(before!).toString())
    const item = JSON.parse(Buffer.from(own!).toString()).batch.items[0]
    const stretched = utf8(canonicalJson({ batch: { ...batch, items: [...batch.items, item] } }))
    for (const sealed of [own!, before!, stretched]) {
      const forged = new Map(files)
      for (const name of [bundleFile.system, bundleFile.systemProof]) forged.set(name, earlier.get(name)!)
      forged.set(bundleFile.batch, sealed)
      const report = examineBundle(withSums(forged))
      expect(states(report)).toMatchObject({ files: 'good', cosigned: 'good', included: 'bad', time: 'open' })
    }
  })

  test('a file that is missing, and one too many', () => {
    for (const name of files.keys()) {
      const fewer = new Map(files)
      fewer.delete(name)
      if (name === bundleFile.manifest) expect(() => verifyBundle(writeArchive(fewer))).toThrow('bundle.json')
      expect([name, examineBundle(fewer).ok]).toEqual([name, false])
      if (name.startsWith('original/') || name === bundleFile.sums) continue
      expect([name, examineBundle(withSums(fewer)).ok]).toEqual([name, false])
    }
    const more = new Map(files).set('record/more.txt', utf8('more'))
    expect(examineBundle(more).ok).toBe(false)
    // The list of files stands in the explanation, too.
    expect(stateOf(examineBundle(withSums(more)), 'pages')).toBe('bad')
  })

  test('a file that no claim looks at is not let in among those that are proved', async () => {
    expect(examineBundle(refitted(files))).toMatchObject({ ok: true })
    const names = [
      'original/0 合同.pdf',
      'original/补充协议.pdf',
      'record/附件.txt',
      'keys/9.tlog-proof',
      'members/章程.txt',
    ]
    for (const name of [...names, 'README.txt', 'constructor', bundleFile.refused]) {
      const report = examineBundle(refitted(new Map(files).set(name, utf8('says whatever it likes'))))
      expect([name, report.ok], name).toEqual([name, false])
    }
  })

  test('what the manifest says of its software stands on the explanation, and is no place for a sentence', () => {
    const manifest = JSON.parse(Buffer.from(files.get(bundleFile.manifest)!).toString()) as JsonObject
    const software = 'gongzheng 1.0.0; node 1.0.0。经核验，本保函现行有效'
    const forged = new Map(files).set(bundleFile.manifest, utf8(`${canonicalJson({ ...manifest, software })}\n`))
    expect(stateOf(examineBundle(refitted(forged)), 'pages')).toBe('bad')
  })

  test('an explanation of another edition is said not to have been compared, and not to be gone by', () => {
    const manifest = JSON.parse(Buffer.from(files.get(bundleFile.manifest)!).toString()) as JsonObject
    const forged = new Map(files)
      .set(bundleFile.manifest, utf8(`${canonicalJson({ ...manifest, edition: 999 })}\n`))
      .set(bundleFile.explanation, utf8('<p>says whatever it likes'))
    const pages = examineBundle(withSums(forged)).claims.find(({ id: each }) => each === 'pages')!
    expect([pages.state, pages.detail.zh, pages.detail.en]).toEqual([
      'note',
      expect.stringContaining('请勿采信'),
      expect.stringContaining('may say what the evidence does not'),
    ])
  })

  test('any byte of the archive: an error, a bad claim, or at least said to be packed anew', () => {
    for (let at = 0; at < bytes.length; at += 997) {
      let report: BundleReport
      try {
        report = verifyBundle(flipped(bytes, at))
      } catch (error) {
        expect(error).toMatchObject({ code: 'archive.malformed' })
        continue
      }
      expect([at, report.claims.every(({ state }) => state === 'good')]).toEqual([at, false])
    }
  })

  test('members, policy and all of another ledger: nothing of the record holds there', async () => {
    await using other = new LedgerStage(7)
    other.register('wuhan')
    const itsUrl = await other.serve('wuhan')
    const out = join(temporaryDirectory(), 'other.zip')
    expect((await run('export', 'bundle', other.attest(), '--url', itsUrl, '--out', out)).code).toBe(0)
    const theirs = readArchive(readFileSync(out)).files
    const mixed = new Map(files)
    for (const name of [bundleFile.genesis, bundleFile.genesisProof, bundleFile.policy])
      mixed.set(name, theirs.get(name)!)
    const report = examineBundle(withSums(mixed))
    expect(report.ok).toBe(false)
    expect(states(report)).toMatchObject({ founding: 'good', cosigned: 'bad', included: 'open', statement: 'open' })
    expect(report.claims.find(({ id: each }) => each === 'cosigned')).toMatchObject({ code: 'policy.quorum-missing' })
    // A whole bundle of another ledger is good in itself; the fingerprint tells.
    const whole = await run('verify', out, '--fingerprint', stage.genesis.fingerprint)
    expect([whole.code, whole.out]).toEqual([
      1,
      expect.stringContaining('✗ Compared with what you gave: Another ledger'),
    ])
    expect((await run('verify', out, '--fingerprint', other.genesis.fingerprint)).code).toBe(0)
  })
})

describe('whose key', () => {
  const centreRecord = () => stage.world.statement('wuhan', 'a centre’s own')

  test('a centre’s own: it stands in the genesis', async () => {
    stage.take('wuhan', centreRecord())
    const { json } = await runJson<{ records: { index: string }[] }>('status', '--url', url)
    expect(json).toMatchObject({ ok: true })
    const answer = (await (await fetch(`${url}/v1/records?member=wuhan`)).json()) as { records: { index: string }[] }
    const { facts } = verifyBundle(await exported(answer.records.at(-1)!.index))
    expect(facts!.key).toMatchObject({ standing: 'founding', name: '武汉市公共资源交易中心', roles: ['centre'] })
  })

  test('on the word of two; then revoked: what was signed before stays what it was, and what it says is of then', async () => {
    await using other = new LedgerStage()
    other.register('guangzhou', 'wuhan')
    const first = other.attest()
    const { ledger } = other.genesis
    const revocation = { ledger, type: 'key.revoke@1', party: company, key: 'stop', kid: other.key.kid, reason: 'lost' }
    other.take('beijing', signStatement(revocation, other.key))
    const itsUrl = await other.serve('hangzhou')
    const out = join(temporaryDirectory(), 'x.zip')
    expect((await run('export', 'bundle', first, '--url', itsUrl, '--out', out)).code).toBe(0)
    const { facts } = verifyBundle(readFileSync(out))
    expect(facts!.key).toMatchObject({ standing: 'agreed', endings: [], vouchers: { length: 2 } })
    expect(facts!.key!.registeredAt).toHaveLength(2)
  })

  test('handed over by another key of the company: no better than that one, and the old one says that it ended', async () => {
    await using other = new LedgerStage()
    other.register('guangzhou')
    const before = other.attest()
    const { ledger } = other.genesis
    const successor = keyOf('its successor')
    const fields = { type: 'party.key-request@2', party: company, name: companyName, roles: ['tenderee'] }
    const request = signStatement({ ledger, ...fields }, successor)
    const rotation = { ledger, type: 'key.rotate@1', party: company, key: 'rotate', request }
    other.take('guangzhou', signStatement(rotation, other.key))
    const { subject, hash, mediaType, source } = verifyBundle(bytes).facts!.payload!
    const after = { ledger, type: 'attest.hash@1', party: company, key: 'after', subject: subject!, hash: hash! }
    other.take('guangzhou', signStatement({ ...after, mediaType: mediaType!, source: source! }, successor))
    const itsUrl = await other.serve('wuhan')
    const keyIn = async (which: string) => {
      const out = join(temporaryDirectory(), 'x.zip')
      expect((await run('export', 'bundle', which, '--url', itsUrl, '--out', out)).code).toBe(0)
      return verifyBundle(readFileSync(out)).facts!.key
    }
    expect(await keyIn(before)).toMatchObject({ standing: 'unilateral', endings: [] })
    const rows = (await (await fetch(`${itsUrl}/v1/records?type=attest.hash@1`)).json()) as {
      records: { index: string }[]
    }
    expect(await keyIn(rows.records.at(-1)!.index)).toMatchObject({
      standing: 'derived',
      vouchers: [],
      name: companyName,
    })
  })

  test('one member’s word is one, however often it is given, whatever is left out', async () => {
    await using other = new LedgerStage()
    other.register('guangzhou', 'wuhan')
    const { ledger } = other.genesis
    const say = (key: string, more: JsonObject) => other.world.centreStatement('wuhan', 'key.revoke@1', key, more)
    other.take('wuhan', say('takes it back', { kid: other.key.kid, reason: 'not-theirs' }))
    const fields = { party: company, name: companyName, roles: ['tenderee'], notAfter: '2099-01-01T00:00:00+08:00' }
    const request = signStatement({ ledger, type: 'party.key-request@2', ...fields }, other.key)
    other.take('wuhan', other.world.centreStatement('wuhan', 'party.register@2', 'and gives it again', { request }))
    const itsUrl = await other.serve('hangzhou')
    const out = join(temporaryDirectory(), 'x.zip')
    expect((await run('export', 'bundle', other.attest(), '--url', itsUrl, '--out', out)).code).toBe(0)
    const whole = readArchive(readFileSync(out)).files
    const { facts } = examineBundle(whole)
    expect(facts!.key).toMatchObject({ standing: 'agreed', vouchers: { length: 2 }, endings: { length: 1 } })
    // Guangzhou's word and the revocation left out: what stays is Wuhan's word, given twice.
    const only = new Map(whole)
    for (const index of [facts!.key!.registeredAt[0]!, ...facts!.key!.endings])
      for (const name of [`keys/${index}.json`, `keys/${index}.tlog-proof`]) only.delete(name)
    // That nothing else was said of the key is claimed of the bundle, and of no more.
    const page = Buffer.from(refitted(only).get(bundleFile.explanation)!).toString()
    expect(page).toContain('包内没有撤销、轮换该密钥或收回确认的记录')
    expect(page).not.toMatch(/，没有撤销/)
    expect(examineBundle(refitted(only)).facts!.key).toMatchObject({
      standing: 'unilateral',
      vouchers: ['武汉市公共资源交易中心'],
      registeredAt: { length: 2 },
    })
  })

  test('a name that the party gave itself is said to be its own word; the party’s id says whose key it is', async () => {
    await using other = new LedgerStage()
    other.register('guangzhou')
    const { ledger } = other.genesis
    const successor = keyOf('under another name')
    const name = '广州公共资源交易中心'
    const fields = { type: 'party.key-request@2', party: company, name, roles: ['tenderee'] }
    const request = signStatement({ ledger, ...fields }, successor)
    const rotation = { ledger, type: 'key.rotate@1', party: company, key: 'rotate', request }
    other.take('guangzhou', signStatement(rotation, other.key))
    const { subject, hash, mediaType, source } = verifyBundle(bytes).facts!.payload!
    const after = { ledger, type: 'attest.hash@1', party: company, key: 'after', subject: subject!, hash: hash! }
    other.take('guangzhou', signStatement({ ...after, mediaType: mediaType!, source: source! }, successor))
    const itsUrl = await other.serve('wuhan')
    const rows = (await (await fetch(`${itsUrl}/v1/records?type=attest.hash@1`)).json()) as {
      records: { index: string }[]
    }
    const out = join(temporaryDirectory(), 'x.zip')
    expect((await run('export', 'bundle', rows.records[0]!.index, '--url', itsUrl, '--out', out)).code).toBe(0)
    const whole = verifyBundle(readFileSync(out))
    const { zh, en } = whole.claims.find(({ id: each }) => each === 'key')!.detail
    expect([zh, en]).toEqual([
      expect.stringContaining(`该密钥属于 ${company}（登记名称：${name}，由其自报）`),
      expect.stringContaining(`a key of ${company} (registered as ${name}, on its own word)`),
    ])
    const page = Buffer.from(readArchive(readFileSync(out)).files.get(bundleFile.explanation)!).toString()
    expect(page).toContain(`（登记名称：${name}，由其自报）`)
  })

  test('a bundle without the registration is not good', () => {
    const fewer = new Map(files)
    fewer.delete('keys/2.json')
    fewer.delete('keys/2.tlog-proof')
    const report = examineBundle(withSums(fewer))
    expect([report.ok, stateOf(report, 'key')]).toEqual([false, 'bad'])
  })
})

describe('other records', () => {
  test('a refusal record: who refused what, by which rule', async () => {
    const say = (value: string) => stage.world.statement('wuhan', 'one key', value)
    // Both have a receipt before either is in.
    stage.world.submit('beijing', say('one'))
    stage.world.submit('wuhan', say('another'))
    stage.world.settle()
    const { records } = (await (await fetch(`${url}/v1/records?type=refusal`)).json()) as {
      records: { index: string }[]
    }
    const refusal = await exported(records[0]!.index)
    const report = verifyBundle(refusal)
    expect(report.ok).toBe(true)
    expect(report.facts).toMatchObject({ kind: 'refusal', refusalCode: 'statement.key-reused' })
    expect(states(report)).not.toHaveProperty('statement')
    const without = new Map(readArchive(refusal).files)
    without.delete(bundleFile.refused)
    for (const forged of [without, new Map(without).set(bundleFile.refused, files.get(bundleFile.entry)!)]) {
      expect(stateOf(examineBundle(withSums(forged)), 'included')).toBe('bad')
    }
    // Nor with a statement decoded beside it that nobody compares.
    const more = new Map(readArchive(refusal).files).set(bundleFile.statement, utf8('{"type":"tender.award@1"}\n'))
    expect(examineBundle(refitted(more)).ok).toBe(false)
  })

  test('not of the genesis, and not of a block’s own entry', async () => {
    for (const index of ['0', '1']) {
      const ran = await run('export', 'bundle', index, '--url', url, '--out', join(temporaryDirectory(), 'x.zip'))
      expect([ran.code, ran.error]).toEqual([1, expect.stringContaining('(bundle.not-a-record)')])
    }
  })

  test('the original by SM3: computed where it can be, and said where it cannot', async () => {
    const sm3 = stage.attest({ algorithm: 'sm3', value: createHash('sm3').update(documentBytes).digest('hex') })
    const archive = await exported(sm3, '--file', documentFile())
    expect(stateOf(verifyBundle(archive), 'original')).toBe('note')
    const out = join(temporaryDirectory(), 'sm3.zip')
    writeFileSync(out, archive)
    expect((await run('verify', out)).out).toContain('✓ The original file: The SM3 of')
    const other = new Map(readArchive(archive).files).set(`original/${documentName}`, flipped(documentBytes))
    writeFileSync(out, writeArchive(withSums(other)))
    expect((await run('verify', out)).code).toBe(1)
  })

  test('another file than the record names does not go in', async () => {
    const out = join(temporaryDirectory(), 'x.zip')
    const ran = await run(
      'export',
      'bundle',
      id,
      '--url',
      url,
      '--out',
      out,
      '--file',
      documentFile(flipped(documentBytes)),
    )
    expect([ran.code, ran.error]).toEqual([1, expect.stringContaining('(bundle.hash-differs)')])
  })
})

describe('verify', () => {
  const written = (content: Uint8Array): string => {
    const file = join(temporaryDirectory(), '取证包.zip')
    writeFileSync(file, content)
    return file
  }

  test('claim by claim, in both languages, with an exit code', async () => {
    const good = await run('verify', written(bytes), '--lang', 'zh')
    expect([good.code, good.out]).toEqual([0, expect.stringMatching(/^成立：取证包的各项均通过核验\n✓ 文件齐全/)])
    expect(good.error).toContain(stage.genesis.fingerprint)
    const bad = await run(
      'verify',
      written(writeArchive(new Map(files).set(bundleFile.entry, flipped(files.get(bundleFile.entry)!)))),
    )
    expect([bad.code, bad.out]).toEqual([
      1,
      expect.stringMatching(/^Not verified: [\s\S]*✗ The files are whole: A file was changed: record\/entry\.json/),
    ])
    expect(bad.out).toContain('? Whose key it was, and its status: Not checked')
    const { json } = await runJson('verify', written(bytes), '--fingerprint', stage.genesis.fingerprint.toLowerCase())
    expect(json).toMatchObject({
      ok: true,
      statementId: id,
      claims: expect.arrayContaining([expect.objectContaining({ id: 'expected', state: 'good' })]),
    })
  })

  test('a bundle whose names tell the terminal what to do, or make a line of their own', async () => {
    const genesis = Buffer.from(files.get(bundleFile.genesis)!).toString()
    const name = '\\u001b[2J\\n✓ 与章程核对：一致\\u202e'
    const forged = genesis.replace(`"name":"${stage.genesis.name}"`, `"name":"${name}"`)
    expect(forged).not.toBe(genesis)
    const made = new Map(files).set(bundleFile.genesis, utf8(forged))
    const ran = await run('verify', written(writeArchive(withSums(made))), '--lang', 'zh')
    expect(ran.code).toBe(1)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(ran.out + ran.error).not.toMatch(/[\u001b\u202e]|^✓ 与章程/m)
    expect(ran.out).toContain('账本 \\u001b[2J\\u000a✓ 与章程核对：一致\\u202e，指纹')
  })

  test('with the policy that one holds oneself', async () => {
    const policy = written(files.get(bundleFile.policy)!)
    expect((await run('verify', written(bytes), '--policy', policy)).code).toBe(0)
    const other = written(utf8(Buffer.from(files.get(bundleFile.policy)!).toString().replace('members 3', 'members 2')))
    expect((await run('verify', written(bytes), '--policy', other)).code).toBe(1)
  })

  test('what is no bundle, and a command that is written otherwise', async () => {
    expect((await run('verify', written(utf8('not a zip')))).error).toContain('(archive.malformed)')
    expect((await run('verify', written(zipSync({ 'a.txt': utf8('a') })))).error).toContain('(archive.malformed)')
    expect((await run('verify')).code).toBe(2)
    expect((await run('verify', written(bytes), '--proof', 'x')).code).toBe(2)
    const alone = await run('verify', written(files.get(bundleFile.proof)!))
    expect([alone.code, alone.error]).toEqual([2, expect.stringContaining('--policy FILE --proof')])
  })
})

test('the commands of the explanation, run as they stand there, give what it says', () => {
  const unpacked = temporaryDirectory()
  for (const [name, content] of files) {
    mkdirSync(dirname(join(unpacked, name)), { recursive: true })
    writeFileSync(join(unpacked, name), content)
  }
  const page = Buffer.from(files.get(bundleFile.explanation)!).toString()
  const plain = (text: string): string =>
    text.replace(
      /&(amp|lt|gt|quot|#39);/g,
      (_, name) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" })[name as 'amp'],
    )
  const steps = [...page.matchAll(/data-system="unix">([\s\S]*?)<\/pre>[\s\S]*?应得：<code>([\s\S]*?)<\/code>/g)]
  expect(steps).toHaveLength(4)
  for (const [, command, expected] of steps) {
    const said = execFileSync('bash', ['-euc', plain(command!)], { cwd: unpacked, encoding: 'utf8' })
    expect(said.trim(), command).toBe(plain(expected!))
  }
  // Windows beside each.
  expect(page.match(/data-system="windows"/g)).toHaveLength(4)
})

test('a payload that would be markup, and turns the text around, is text in the explanation', async () => {
  await using other = new LedgerStage()
  other.register('guangzhou')
  const { ledger } = other.genesis
  const hash = { algorithm: 'sha256', value: '00'.repeat(32) }
  const source = {
    system: '<script>alert(1)</script>',
    operator: 'role:<b>',
    method: '&amp;',
    software: '"\'',
    occurredAt: '2026-01-01T00:00:00+08:00',
  }
  const jws = signStatement(
    {
      ledger,
      type: 'attest.hash@1',
      party: company,
      key: '<img src=x>\u202e不\u200b变\u009b2J',
      subject: 'document',
      hash,
      mediaType: 'text/plain',
      source,
    },
    keyOf('company'),
  )
  other.take('guangzhou', jws)
  const itsUrl = await other.serve('beijing')
  const out = join(temporaryDirectory(), 'x.zip')
  expect((await run('export', 'bundle', '4', '--url', itsUrl, '--out', out)).code).toBe(0)
  const page = Buffer.from(readArchive(readFileSync(out)).files.get(bundleFile.explanation)!).toString()
  expect(page).not.toMatch(/<script|<img|<b>&/)
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
  expect(page).toContain('&gt;\\u202e不\\u200b变\\u009b2J')
  expect(page).toMatch(/<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-/)
})
