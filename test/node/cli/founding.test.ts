/** Four organisations found a ledger by handing files to each other, each in a home of its own. */
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isFingerprintOf } from '../../../src/chain/founding.ts'
import { loadConfiguration } from '../../../src/node/configuration.ts'
import { run, runJson, temporaryDirectory } from './run.ts'

const organisations = [
  { id: 'guangzhou', name: '广州公共资源交易中心', region: '440100', party: 'uscc:12440100MB2D407104' },
  { id: 'beijing', name: '北京市公共资源交易中心', region: '110000', party: 'uscc:12110000MB1K73162X' },
  { id: 'wuhan', name: '武汉市公共资源交易中心', region: '420100', party: 'uscc:12420100MB0C925837' },
  { id: 'hangzhou', name: '杭州市公共资源交易中心', region: '330100', party: 'uscc:12330100MB1A63846U' },
]

/** The first half: a charter, four homes, and each home with the genesis it made itself. */
async function collected() {
  const directory = temporaryDirectory()
  const charter = join(directory, 'charter.json')
  expect((await run('genesis', 'new', '--name', 'gongzheng.example', '--out', charter)).code).toBe(0)
  const members = []
  for (const organisation of organisations) {
    const home = join(directory, organisation.id)
    const governance = join(directory, `${organisation.id}.governance.json`)
    const made = await runJson<{ card: string }>(
      ...['init', '--charter', charter, '--home', home, '--member', organisation.id, '--name', organisation.name],
      ...['--region', organisation.region, '--party', organisation.party, '--governance-key', governance],
      ...['--listen', '/ip4/127.0.0.1/tcp/0', '--private', 'private.sock'],
    )
    expect(made.code, made.error).toBe(0)
    members.push({ ...organisation, home, governance, card: made.json.card })
  }
  for (const [at, { home }] of members.entries()) {
    // In whatever order the cards arrived.
    const cards = members.map(({ card }) => card)
    const files = [...cards.slice(at), charter, ...cards.slice(0, at)]
    const ran = await run('genesis', 'collect', '--home', home, ...files)
    expect(ran.code, ran.error).toBe(0)
    expect(ran.out).toContain('Signatures still missing')
  }
  return { directory, charter, members }
}

const fingerprintOf = async (home: string): Promise<string> =>
  (await run('genesis', 'fingerprint', '--home', home)).out.trim()

test('four members who exchange files by hand end with one ledger that all of them signed', async () => {
  const { directory, members } = await collected()
  const fingerprint = await fingerprintOf(members[0]!.home)
  expect(fingerprint).toMatch(/^[0-9A-F]{4}(-[0-9A-F]{4}){4}$/)
  const signatures: string[] = []
  for (const { id, home, governance } of members) {
    expect(await fingerprintOf(home), 'everybody makes the same genesis').toBe(fingerprint)
    const review = await run('genesis', 'review', '--home', home)
    for (const { name, party } of members) {
      expect(review.out).toContain(name)
      expect(review.out).toContain(party)
    }
    expect(review.out).toContain(fingerprint)
    await expect(loadConfiguration(home)).rejects.toMatchObject({ code: 'configuration.unsigned' })

    const out = join(directory, `${id}.signature.json`)
    const typed = fingerprint.toLowerCase().replaceAll('-', ' ')
    const signed = await run(
      ...['genesis', 'sign', '--home', home, '--governance-key', governance],
      ...['--fingerprint', typed, '--out', out],
    )
    expect(signed.code, signed.error).toBe(0)
    signatures.push(out)
  }
  for (const [at, { id, home }] of members.entries()) {
    // They come one by one, some twice.
    expect((await run('genesis', 'collect', '--home', home, signatures[at]!)).code).toBe(0)
    const complete = await run('genesis', 'collect', '--home', home, ...signatures)
    expect(complete.out).toContain('All members have signed')
    const configuration = await loadConfiguration(home)
    expect(configuration.member).toBe(id)
    expect(configuration.genesis.fingerprint).toBe(fingerprint)
    expect(configuration.genesis.quorum).toBe(3)
    expect(configuration.privateListener).toEqual({ socket: join(home, 'private.sock') })
    expect(configuration.keys.centre).toBeDefined()
  }
})

test('a member whose card was changed on the way finds out before it signs', async () => {
  const { directory, charter, members } = await collected()
  const [first, second] = members
  const forged = JSON.parse(readFileSync(second!.card, 'utf8'))
  forged.card.member.addresses = ['/ip4/192.0.2.1/tcp/8450']
  const path = join(directory, 'forged.json')
  writeFileSync(path, JSON.stringify(forged))
  const elsewhere = join(directory, 'elsewhere')
  const cards = members.map(({ card }) => (card === second!.card ? path : card))
  expect((await run('genesis', 'collect', '--home', elsewhere, charter, ...cards)).code).toBe(0)

  const genesis = join(elsewhere, 'genesis.json')
  const fingerprint = await fingerprintOf(elsewhere)
  const options = ['--fingerprint', fingerprint, '--out', join(directory, 'x.json')]
  const sign = (member: typeof first) =>
    run('genesis', 'sign', genesis, '--home', member!.home, '--governance-key', member!.governance, ...options)
  const refused = await sign(second)
  expect(refused.code).toBe(2)
  expect(refused.error).toContain('founding.not-my-card')
  expect((await sign(first)).code, 'its own card is as it sent it').toBe(0)

  const mixed = await run('genesis', 'collect', '--home', first!.home, genesis)
  expect(mixed.error).toContain('founding.genesis-differs')
})

test('what is compared may be more digits than the fingerprint has, and never fewer', () => {
  const ledger = '0123456789abcdef'.repeat(4)
  for (const typed of ['0123-4567-89AB-CDEF-0123', ' 01234567 89abcdef 0123 4567', ledger, ledger.toUpperCase()])
    expect([typed, isFingerprintOf(typed, ledger)]).toEqual([typed, true])
  const longer = `${ledger}0`
  const other = `${ledger.slice(0, 63)}0`
  for (const typed of ['', '0123', '0123-4567-89AB-CDEF-012', '0123-4567-89AB-CDEF-0124', longer, other])
    expect([typed, isFingerprintOf(typed, ledger)]).toEqual([typed, false])
})

test('nobody signs without the fingerprint having been compared', async () => {
  const { members } = await collected()
  const { home, governance } = members[0]!
  const sign = ['genesis', 'sign', '--home', home, '--governance-key', governance]
  expect((await run(...sign)).error).toContain('founding.not-confirmed')
  const wrong = await run(...sign, '--fingerprint', '0000-0000-0000-0000-0000')
  expect(wrong.code).toBe(2)
  expect(wrong.error).toContain('founding.fingerprint-differs')
})

test('another member’s key signs for that member, a foreign key for nobody, and a signature over another genesis is refused', async () => {
  const { members } = await collected()
  const other = await collected()
  const [first] = members
  const foreign = other.members[0]!
  const fingerprint = await fingerprintOf(foreign.home)
  const wrongLedger = await run(
    ...['genesis', 'sign', '--home', foreign.home, '--governance-key', first!.governance],
    ...['--fingerprint', fingerprint],
  )
  expect(wrongLedger.error).toContain('identity.wrong-ledger')

  const out = join(other.directory, 'foreign.json')
  await run(
    ...['genesis', 'sign', '--home', foreign.home, '--governance-key', foreign.governance],
    ...['--fingerprint', fingerprint, '--out', out],
  )
  const collect = await run('genesis', 'collect', '--home', first!.home, out)
  expect(collect.code).toBe(2)
  expect(collect.error).toContain('genesis.bad-signature')
})

test('a card of another founding, two cards of one member, and what is no card at all are refused', async () => {
  const { directory, charter, members } = await collected()
  const other = await collected()
  const home = join(directory, 'new')
  const cards = members.map(({ card }) => card)
  const refusal = async (...files: string[]): Promise<string> =>
    (await run('genesis', 'collect', '--home', home, ...files)).error
  expect(await refusal(charter, ...cards, other.members[0]!.card)).toContain('founding.other')
  const twice = JSON.parse(readFileSync(cards[0]!, 'utf8'))
  twice.card.member.name = '另一个名称'
  writeFileSync(join(directory, 'twice.json'), JSON.stringify(twice))
  expect(await refusal(charter, ...cards, join(directory, 'twice.json'))).toContain('founding.card-twice')
  expect(await refusal(...cards)).toContain('founding.incomplete')
  writeFileSync(join(directory, 'junk.json'), '{"card":7}')
  expect(await refusal(charter, join(directory, 'junk.json'))).toContain('file.wrong-kind')
})

test('init refuses what could never be a member, says which field, and leaves nothing behind', async () => {
  const directory = temporaryDirectory()
  const charter = join(directory, 'charter.json')
  await run('genesis', 'new', '--name', 'gongzheng.example', '--out', charter)
  const home = join(directory, 'home')
  const ran = await run(
    ...['init', '--charter', charter, '--home', home, '--member', 'Guang Zhou', '--name', '广州', '--region', '4401'],
    ...['--party', 'uscc:12440100MB2D407105', '--governance-key', join(directory, 'g.json')],
  )
  expect(ran.code).toBe(2)
  expect(ran.error).toContain('genesis.malformed')
  expect(ran.error).toMatch(/members\/0\/id/)
  expect(() => readFileSync(join(home, 'config.json'))).toThrow()
  expect(() => readFileSync(join(directory, 'g.json'))).toThrow()
})

test('keys may be sealed by a passphrase, and a home is opened only with it', async () => {
  const directory = temporaryDirectory()
  const charter = join(directory, 'charter.json')
  const home = join(directory, 'home')
  const secret = join(directory, 'passphrase')
  writeFileSync(secret, 'correct horse\n')
  await run('genesis', 'new', '--name', 'gongzheng.example', '--out', charter)
  const { id, name, region, party } = organisations[0]!
  const governance = join(directory, 'g.json')
  const made = await runJson<{ card: string }>(
    ...['init', '--charter', charter, '--home', home, '--member', id, '--name', name, '--region', region],
    ...['--party', party, '--governance-key', governance, '--passphrase-file', secret],
  )
  await run('genesis', 'collect', '--home', home, charter, made.json.card)
  const out = join(directory, 's.json')
  const sign = ['genesis', 'sign', '--home', home, '--governance-key', governance, '--out', out]
  const fingerprint = await fingerprintOf(home)
  expect((await run(...sign, '--fingerprint', fingerprint)).error).toContain('identity.passphrase-needed')
  expect((await run(...sign, '--fingerprint', fingerprint, '--passphrase-file', secret)).code).toBe(0)
  await run('genesis', 'collect', '--home', home, out)
  await expect(loadConfiguration(home)).rejects.toMatchObject({ code: 'identity.passphrase-needed' })
  expect((await loadConfiguration(home, { passphrase: 'correct horse' })).member).toBe(id)
})

test('a member that forgets its own card is told so, and no genesis without it is left in its home', async () => {
  const { charter, members } = await collected()
  const [first, ...others] = members
  rmSync(join(first!.home, 'genesis.json'))
  const ran = await run('genesis', 'collect', '--home', first!.home, charter, ...others.map(({ card }) => card))
  expect(ran.code).toBe(2)
  expect(ran.error).toContain('founding.incomplete')
  expect(ran.error).toContain(first!.card)
  expect(existsSync(join(first!.home, 'genesis.json'))).toBe(false)
  const given = await run('genesis', 'collect', '--home', first!.home, charter, ...members.map(({ card }) => card))
  expect(given.code, given.error).toBe(0)
})

test('whoever reviews or signs before there is a genesis is told what comes first', async () => {
  const { members } = await collected()
  const { home, governance } = members[0]!
  rmSync(join(home, 'genesis.json'))
  for (const command of [['review'], ['fingerprint'], ['sign', '--governance-key', governance]]) {
    const ran = await run('genesis', ...command, '--home', home)
    expect(ran.code).toBe(2)
    expect(ran.error, command[0]).toContain('configuration.not-founded')
  }
  const named = await run('genesis', 'review', join(home, 'genesis.json'))
  expect(named.error, 'a path that was typed is a path that is wrong').toContain('file.missing')
})

test('a home with the centre key of another member does not start', async () => {
  const { directory, members } = await collected()
  const [first, second] = members
  const fingerprint = await fingerprintOf(first!.home)
  const signatures = members.map(({ id }) => join(directory, `${id}.signature.json`))
  for (const [at, { home, governance }] of members.entries()) {
    const sign = ['genesis', 'sign', '--home', home, '--governance-key', governance, '--fingerprint', fingerprint]
    await run(...sign, '--out', signatures[at]!)
  }
  await run('genesis', 'collect', '--home', first!.home, ...signatures)
  expect((await loadConfiguration(first!.home)).keys.centre).toBeDefined()
  copyFileSync(join(second!.home, 'keys/centre.json'), join(first!.home, 'keys/centre.json'))
  await expect(loadConfiguration(first!.home)).rejects.toMatchObject({ code: 'configuration.keys-differ' })
})
