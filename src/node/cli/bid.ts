/**
 * The bidder's tool: seals a bid at home, hands in its leaf at any member, replaces or withdraws it with its own key, and at the opening
 * gives what opens it. No registration, and no node but for handing in. What it makes: the encrypted file, which goes to the platform, and the
 * bid's own file, which stays at home until the opening — with it anybody opens and changes the bid.
 */
import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { ed25519PublicKey, ed25519Sign } from '#crypto'
import { type Client, ProblemError } from '../../api/client/client.ts'
import { type BidFile, formatBidFile, parseBidFile, parseBidReceipt } from '../../chain/bid-file.ts'
import { fromHex, toHex } from '../../chain/bytes.ts'
import type { JsonObject, JsonValue } from '../../chain/json.ts'
import { parseJson } from '../../chain/json.ts'
import { kidOf, taggedEd25519 } from '../../chain/keys.ts'
import {
  bidderDigest,
  changeMessage,
  type SealedContent,
  type SealedSection,
  sealedLeaf,
  termsDigest,
  withdrawalContent,
} from '../../chain/sealed-bid.ts'
import { formatTime } from '../../chain/time.ts'
import { openFile, sealFile } from './bid-cipher.ts'
import { clientFor, urlOf } from './connection.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { readBytes, readText, writeWhole } from './files.ts'
import { both } from './language.ts'
import { writeSecret } from './signing-key.ts'
import { columns, type Terminal } from './terminal.ts'

interface SealOptions {
  readonly owner: string
  readonly scheme: string
  readonly code: string
  readonly section?: string
  readonly bidder: readonly string[]
  readonly terms: string
  readonly ledger?: string
  readonly url?: string
  readonly out?: string
  readonly secret?: string
}

interface ChangeOptions {
  readonly terms: string
  readonly out?: string
  readonly secret?: string
}

export function bidCommands(
  program: Command,
  terminal: Terminal,
  run: (command: Promise<ExitCode> | ExitCode) => Promise<void>,
): void {
  const t = (zh: string, en: string): string => terminal.text({ zh, en })
  const list = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]
  const bid = program
    .command('bid')
    .description(
      t(
        '密封投标：由投标人自己封装、递交、替换、撤回与公开',
        'sealed bids: sealed, handed in, changed and opened by the bidder',
      ),
    )
  const outputs = (command: Command): Command =>
    command
      .option(
        '--out <file>',
        t('密文写到（默认 FILE.sealed），交给平台', 'encrypted file (default FILE.sealed), for the platform'),
      )
      .option(
        '--secret <file>',
        t(
          '自存文件写到（默认 FILE.bid.json），开标前勿外传',
          'the bid’s own file (default FILE.bid.json); show nobody before the opening',
        ),
      )
  const terms = t(
    '条款 JSON：price 必填，可有 guarantee、duration',
    'terms as JSON: price, and guarantee and duration if any',
  )
  const urls = t('成员节点网址，可多次给出', 'URL of a member’s node, repeatable')

  outputs(
    bid
      .command('seal')
      .description(t('加密投标文件并得出叶', 'encrypt a bid’s document and make its leaf'))
      .argument('<file>', t('投标文件', 'the bid’s document'))
      .requiredOption('--owner <id>', t('招标人的主体标识', 'party id of the tender’s owner'))
      .requiredOption('--scheme <scheme>', t('编号体系', 'scheme of the code'))
      .requiredOption('--code <code>', t('项目编号', 'code of the tender'))
      .option('--section <code>', t('标段', 'section'))
      .requiredOption(
        '--bidder <id[=name]>',
        t('投标人，联合体可多次给出，牵头人在前', 'bidder, repeatable for a consortium, the leader first'),
        list,
      )
      .requiredOption('--terms <file>', terms)
      .option('--ledger <id>', t('账本标识（默认向节点询问）', 'ledger id (default: asked of the node)'))
      .option('--url <url>', t('节点网址', 'URL of a node')),
  ).action((file: string, options: SealOptions) => run(seal(file, options, terminal)))
  outputs(
    bid
      .command('replace')
      .description(t('以新的投标替换已递交的', 'a bid that takes the place of one handed in'))
      .argument('<bid>', t('原投标的自存文件', 'own file of the bid before'))
      .argument('<file>', t('新的投标文件', 'the new document'))
      .requiredOption('--terms <file>', terms),
  ).action((before: string, file: string, options: ChangeOptions) => run(replace(before, file, options, terminal)))
  bid
    .command('withdraw')
    .description(t('撤回已递交的投标：得出一个同样的叶', 'a leaf that withdraws one handed in'))
    .argument('<bid>', t('原投标的自存文件', 'own file of the bid'))
    .option(
      '--secret <file>',
      t('自存文件写到（默认 BID.withdrawal.json）', 'own file of the withdrawal (default BID.withdrawal.json)'),
    )
    .action((before: string, options: { secret?: string }) => run(withdraw(before, options, terminal)))
  bid
    .command('hand-in')
    .description(t('向一个成员递交叶，并保存回执', 'hand in the leaf at a member, and keep the receipt'))
    .argument('<bid>', t('自存文件', 'own file'))
    .option('--url <url>', t('节点网址', 'URL of a node'))
    .option('--receipt <file>', t('回执写到（默认 BID.receipt.json）', 'receipt (default BID.receipt.json)'))
    .action((file: string, options: { url?: string; receipt?: string }) => run(handIn(file, options, terminal)))
  bid
    .command('reveal')
    .description(
      t(
        '开标后：写出公开（或撤回）记录的字段，供提交',
        'after the opening: the fields of the record that opens it, to submit',
      ),
    )
    .argument('<bid>', t('自存文件', 'own file'))
    .option('--url <url>', urls, list)
    .option(
      '--receipt <file>',
      t('凭回执主张过的：回执，代替路径', 'of a bid that was claimed: the receipt, instead of a path'),
    )
    .option('--out <file>', t('写到（默认标准输出）', 'write to (default standard output)'))
    .action((file: string, options: RevealOptions) => run(reveal(file, options, terminal)))
  bid
    .command('claim')
    .description(
      t(
        '封标之后、开标之前：写出凭回执主张的字段，供提交',
        'between close and opening: the fields of a claim by receipt, to submit',
      ),
    )
    .argument('<receipt>', t('回执', 'the receipt'))
    .option('--out <file>', t('写到（默认标准输出）', 'write to (default standard output)'))
    .action((file: string, options: { out?: string }) => run(claim(file, options, terminal)))
  bid
    .command('open')
    .description(t('用自存文件解开密文', 'decrypt the encrypted file with the bid’s own file'))
    .argument('<bid>', t('自存文件', 'own file'))
    .argument('<sealed>', t('密文', 'the encrypted file'))
    .requiredOption('--out <file>', t('写到', 'write to'))
    .action((file: string, sealed: string, { out }: { out: string }) => {
      openFile(sealed, out, fromHex(parseBidFile(readBytes(file)).fileKey)!)
      terminal.say(both(`已解开：${out}`, `Opened: ${out}`))
      terminal.json({ ok: true, file: out })
      return run(exitCode.done)
    })
}

// ── at home ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const random = (): string => toHex(randomBytes(32))

async function seal(file: string, options: SealOptions, terminal: Terminal): Promise<ExitCode> {
  const { owner, scheme, code, section = '', bidder } = options
  const ledger = options.ledger ?? (await clientFor(urlOf(options.url), terminal.language).status()).ledger
  const bidders = bidder.map((each) => {
    const [party, name] = each.split(/=(.*)/s)
    return name === undefined ? { party: party! } : { party: party!, name }
  })
  const at = { ledger, tender: { owner, scheme, code }, section }
  return sealed(file, { at, bidders, before: undefined }, options, terminal)
}

function replace(before: string, file: string, options: ChangeOptions, terminal: Terminal): ExitCode {
  const bid = bidIn(before)
  return sealed(file, { at: bid.at, bidders: bid.bidders, before: bid }, options, terminal)
}

interface Sealing extends Pick<BidFile, 'at' | 'bidders'> {
  readonly before: BidFile | undefined
}

function sealed(file: string, { at, bidders, before }: Sealing, options: ChangeOptions, terminal: Terminal): ExitCode {
  const [oneTimeSeed, fileKey] = [random(), random()]
  const given = objectIn(options.terms)
  const out = options.out ?? `${file}.sealed`
  const { ciphertext, document } = sealFile(file, out, fromHex(fileKey)!)
  const terms: JsonObject = { document: { algorithm: 'sha256', value: document }, ...given, salt: random() }
  const content: SealedContent = {
    kind: 'bid',
    ciphertext,
    terms: termsDigest(terms),
    bidder: bidderDigest(bidders.map(({ party }) => party)),
    oneTimeKey: kidOf(taggedEd25519(ed25519PublicKey(fromHex(oneTimeSeed)!))),
    nonce: random(),
  }
  const bid = { at, bidders, terms, oneTimeSeed, fileKey }
  const path = options.secret ?? `${file}.bid.json`
  const leaf = keep(path, bid, content, before)
  terminal.say(
    columns([
      [terminal.text(both('叶', 'Leaf')), leaf],
      [terminal.text(both('密文（交给平台）', 'Encrypted file, for the platform')), out],
      [terminal.text(both('自存文件（开标前勿外传）', 'Own file; show nobody before the opening')), path],
    ]),
  )
  terminal.json({ ok: true, leaf, sealed: out, bid: path, ciphertext })
  return exitCode.done
}

function withdraw(path: string, { secret }: { readonly secret?: string }, terminal: Terminal): ExitCode {
  const before = bidIn(path)
  const unsigned = { leaf: before.leaf, signature: '00'.repeat(64) }
  const { changes: _, ...content } = withdrawalContent({ nonce: random(), changes: unsigned })
  const to = secret ?? `${path}.withdrawal.json`
  const leaf = keep(to, { at: before.at, bidders: [], terms: {}, oneTimeSeed: '', fileKey: '' }, content, before)
  terminal.say(
    columns([
      [terminal.text(both('叶', 'Leaf')), leaf],
      [terminal.text(both('自存文件', 'Own file')), to],
    ]),
  )
  terminal.json({ ok: true, leaf, bid: to })
  return exitCode.done
}

/** Signs what is changed, and writes the bid's own file. @returns the leaf */
function keep(
  path: string,
  bid: Omit<BidFile, 'content' | 'leaf' | 'before'>,
  bare: SealedContent,
  before: BidFile | undefined,
): string {
  const content = before === undefined ? bare : { ...bare, changes: changesOf(bid.at, before, bare) }
  const leaf = toHex(sealedLeaf(bid.at, content))
  const chain = before === undefined ? [] : [before.content, ...before.before]
  writeSecret(path, formatBidFile({ ...bid, content, leaf, before: chain }))
  return leaf
}

function changesOf(at: SealedSection, before: BidFile, content: SealedContent) {
  const signature = ed25519Sign(fromHex(before.oneTimeSeed)!, changeMessage(at, before.leaf, content))
  return { leaf: before.leaf, signature: toHex(signature) }
}

/** A bid, which can be changed; a withdrawal cannot. */
function bidIn(path: string): BidFile {
  const bid = parseBidFile(readBytes(path))
  if (bid.content.kind === 'bid') return bid
  throw new CommandFailure('usage.wrong', `${path}: ${bid.content.kind}`, exitCode.unusable)
}

function objectIn(path: string): JsonObject {
  const value = parseJson(readText(path))
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as JsonObject
  throw new CommandFailure('usage.wrong', `${path}: JSON {"price": …}`, exitCode.unusable)
}

// ── with a node ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

async function handIn(
  path: string,
  options: { readonly url?: string; readonly receipt?: string },
  terminal: Terminal,
): Promise<ExitCode> {
  const { at, leaf } = parseBidFile(readBytes(path))
  const answer = await clientFor(urlOf(options.url), terminal.language).handIn(at, leaf)
  const to = options.receipt ?? `${path}.receipt.json`
  const { bidReceipt } = answer
  // The same leaf gives the same receipt however often it is handed in.
  writeWhole(to, `${JSON.stringify(answer, null, 2)}\n`, { replace: true })
  const at8 = formatTime(bidReceipt.receivedAt)
  terminal.say(
    both(
      `已收到：${bidReceipt.member}，${at8}；回执 ${to}`,
      `Received by ${bidReceipt.member} at ${at8}; receipt ${to}`,
    ),
  )
  terminal.json({ ok: true, receipt: to, member: bidReceipt.member, receivedAt: at8, leaf })
  return exitCode.done
}

interface RevealOptions {
  readonly url?: readonly string[]
  readonly receipt?: string
  readonly out?: string
}

async function reveal(path: string, options: RevealOptions, terminal: Terminal): Promise<ExitCode> {
  const bid = parseBidFile(readBytes(path))
  const { at, content } = bid
  const clients = (options.url ?? [urlOf(undefined)]).map((url) => clientFor(url, terminal.language))
  const receipt = options.receipt === undefined ? undefined : parseBidReceipt(readBytes(options.receipt))
  const place =
    receipt === undefined
      ? await placeOf(clients, at, bid.leaf)
      : { member: receipt.member, receivedAt: receipt.receivedAt }
  if (place === undefined) throw new CommandFailure('bid-file.not-in-close', bid.leaf, exitCode.refused)
  const chain: JsonObject[] = []
  for (const before of bid.before) {
    const leaf = toHex(sealedLeaf(at, before))
    const stands = await placeOf(clients, at, leaf)
    if (stands === undefined)
      terminal.remark(both(`原叶 ${leaf} 不在所询成员的封标中`, `Leaf ${leaf} before it is in no close that was asked`))
    const { kind: _, ...covered } = before
    chain.push({ ...(stands === undefined ? {} : { place: stands }), content: covered as unknown as JsonObject })
  }
  const isBid = content.kind === 'bid'
  const { ciphertext, oneTimeKey, nonce, changes } = content
  const shown: JsonObject = isBid
    ? {
        bidders: bid.bidders as unknown as JsonValue,
        terms: bid.terms,
        ciphertext,
        oneTimeKey,
        nonce,
        decryptedAt: formatTime(Date.now()),
      }
    : { nonce }
  say(
    {
      type: isBid ? 'bid.reveal@1' : 'bid.withdrawal@1',
      key: `bid ${bid.leaf.slice(0, 32)} ${place.member}`,
      ...box(at),
      place,
      ...shown,
      ...(changes === undefined ? {} : { changes: { ...changes }, [isBid ? 'replaced' : 'withdrawn']: chain }),
    },
    options.out,
    terminal,
  )
  return exitCode.done
}

function claim(path: string, { out }: { readonly out?: string }, terminal: Terminal): ExitCode {
  const { member, epoch, leaf, receivedAt, round, signature, ...at } = parseBidReceipt(readBytes(path))
  const receipt = { member, epoch, leaf, receivedAt, round, signature: toHex(signature) }
  say({ type: 'bid.claim@1', key: `claim ${leaf.slice(0, 32)} ${member}`, ...box(at), receipt }, out, terminal)
  return exitCode.done
}

const box = ({ tender: { owner, scheme, code }, section }: Omit<SealedSection, 'ledger'>): JsonObject => ({
  tender: { owner, scheme, code },
  ...(section === '' ? {} : { section }),
})

/** The first of these members that closed over it. */
async function placeOf(
  clients: readonly Client[],
  at: SealedSection,
  leaf: string,
): Promise<(JsonObject & { readonly member: string }) | undefined> {
  for (const client of clients) {
    try {
      const { member, receivedAt, index, path } = await client.boxLeaf(at, leaf)
      return { member, receivedAt, index, path: [...path] }
    } catch (error) {
      if (!(error instanceof ProblemError) || !['subject.not-found', 'box.not-closed'].includes(error.code)) throw error
    }
  }
  return undefined
}

/** Fields as `gongzheng submit` takes them. */
function say(fields: JsonObject, out: string | undefined, terminal: Terminal): void {
  const text = `${JSON.stringify(fields, null, 2)}\n`
  if (out === undefined) return terminal.raw(text)
  writeWhole(out, text)
  terminal.say(both(`已写出：${out}（gongzheng submit 提交）`, `Written: ${out}, for gongzheng submit`))
  terminal.json({ ok: true, fields: out })
}
