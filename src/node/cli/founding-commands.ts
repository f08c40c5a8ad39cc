/**
 * `init` and `genesis …`: a member's home, and the founding among members that exchange files by hand. Order: one member runs
 * `genesis new` and hands the charter draft to all; each runs `init` and hands its card to all; each (or one for all) runs
 * `genesis collect` with charter and cards, then `genesis review` and, the fingerprint compared by telephone, `genesis sign`; the
 * signature files go round, and `genesis collect` with them completes every home.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { isFingerprintOf } from '../../chain/founding.ts'
import {
  formatGenesisSignature,
  type Genesis,
  type GenesisSignature,
  membersWithoutSignature,
} from '../../chain/genesis.ts'
import { Refusal } from '../../chain/refusal.ts'
import {
  type ConfigurationFile,
  type Endpoint,
  homeFiles,
  type PrivateEndpoint,
  parseConfiguration,
} from '../configuration.ts'
import { centreKey, governanceKey, type KeyFileKind, newKeyFile, nodeKeys } from '../identity.ts'
import { readKeyFile, writeKeyFile } from '../key-file.ts'
import { SystemClock, SystemRandom } from '../system-clock.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { makeDirectories, readBytes, readText, writeWhole } from './files.ts'
import {
  type Card,
  type Charter,
  checkCard,
  formatCard,
  formatCharter,
  formatSignatures,
  genesisOf,
  isSameMember,
  makeCard,
  newCharter,
  originOfCharter,
  readFoundingFile,
  signaturesIn,
  signGenesis,
} from './founding.ts'
import { both } from './language.ts'
import { reviewText } from './review.ts'
import type { Terminal } from './terminal.ts'

export interface InitOptions {
  readonly home: string
  readonly charter: string
  readonly member: string
  readonly name: string
  readonly region: string
  readonly party: string
  readonly listen?: readonly string[]
  readonly address?: readonly string[]
  readonly api: string
  readonly private?: string
  readonly governanceKey?: string
  readonly passphraseFile?: string
}

/** Makes the home of a member: keys, configuration, and the card for the others. */
export function init(options: InitOptions, terminal: Terminal): ExitCode {
  const charter = readCharter(options.charter)
  const home = resolve(options.home)
  const governancePath = resolve(options.governanceKey ?? `${options.member}-governance-key.json`)
  const configuration = configurationOf(options)
  for (const path of [join(home, homeFiles.configuration), join(home, homeFiles.nodeKey), governancePath]) {
    if (existsSync(path)) throw new Refusal('file.exists', path)
  }
  const { card, keys } = drawMember(charter, { ...options, id: options.member, addresses: options.address ?? [] })
  checkCard(charter, card)

  const passphrase = passphraseFrom(options.passphraseFile)
  makeDirectory(join(home, 'keys'))
  makeDirectory(dirname(governancePath))
  // The configuration last: a home without it is not taken for one, so what a crash leaves half-made is seen.
  writeKeyFile(governancePath, keys.governance, random, passphrase)
  writeKeyFile(join(home, homeFiles.nodeKey), keys.node, random, passphrase)
  writeKeyFile(join(home, homeFiles.centreKey), keys.centre, random, passphrase)
  writeWhole(join(home, homeFiles.card), formatCard(card))
  writeWhole(join(home, homeFiles.configuration), formatConfiguration(configuration))

  const cardPath = join(home, homeFiles.card)
  terminal.say(
    both(
      `主目录已建立：${home}\n` +
        `治理密钥：${governancePath}（只用于签署创世文件与表决，请离线保管，另存备份）\n` +
        `下一步：把名片 ${cardPath} 交给其他成员，并收齐各成员的名片。`,
      `Home made: ${home}\n` +
        `Governance key: ${governancePath} (signs the genesis and votes only; keep it off-line, with a copy elsewhere)\n` +
        `Next: hand the card ${cardPath} to the other members, and gather theirs.`,
    ),
  )
  terminal.json({ ok: true, home, card: cardPath, governanceKey: governancePath, member: card.member })
  return exitCode.done
}

export interface GenesisNewOptions {
  readonly name: string
  readonly out: string
}

export function genesisNew(options: GenesisNewOptions, terminal: Terminal): ExitCode {
  const charter = newCharter(options.name, { clock: new SystemClock(), random })
  // A name that no genesis may have is said now, not when all cards are in.
  checkCard(
    charter,
    drawMember(charter, { id: 'probe', name: 'probe', region: '000000', party: 'id:probe:1', addresses: [] }).card,
  )
  writeWhole(options.out, formatCharter(charter))
  terminal.say(
    both(
      `章程草案：${options.out}（创世标识 ${charter.foundingId}）\n下一步：把它交给所有成员，各自运行 gongzheng init --charter。`,
      `Charter draft: ${options.out} (founding id ${charter.foundingId})\nNext: hand it to all members; each runs gongzheng init --charter.`,
    ),
  )
  terminal.json({ ok: true, charter: options.out, name: charter.name, foundingId: charter.foundingId })
  return exitCode.done
}

export interface GenesisCardOptions {
  readonly home: string
  readonly out?: string
}

/** The card again, for whoever lost it. */
export function genesisCard({ home, out }: GenesisCardOptions, terminal: Terminal): ExitCode {
  const text = readText(join(home, homeFiles.card))
  if (out === undefined) terminal.raw(text)
  else writeWhole(out, text)
  return exitCode.done
}

export interface GenesisCollectOptions {
  /** Where `genesis.json` and `genesis.signatures.json` are written. */
  readonly home: string
  readonly files: readonly string[]
}

/** Charter and cards make the genesis; signatures are checked and gathered. Any mixture, any order; what is there already stays. */
export function genesisCollect({ home, files }: GenesisCollectOptions, terminal: Terminal): ExitCode {
  const read = files.map((path) => readFoundingFile(path, readBytes(path)))
  const charters = read.flatMap((file) => (file.kind === 'charter' ? [file.charter] : []))
  const cards = read.flatMap((file) => (file.kind === 'card' ? [file.card] : []))
  const candidates = read.flatMap((file) => (file.kind === 'genesis' ? [file.genesis] : []))
  const texts = read.flatMap((file) => (file.kind === 'signatures' ? file.texts : []))
  const genesisPath = join(home, homeFiles.genesis)
  if (existsSync(genesisPath)) candidates.push(genesisAt(genesisPath))
  if (cards.length > 0) {
    const charter = charters[0]
    if (charter === undefined) throw new Refusal('founding.incomplete', 'no charter draft among the files')
    candidates.push(genesisOf(charter, cards))
  }
  const genesis = candidates[0]
  if (genesis === undefined) throw new Refusal('founding.incomplete', genesisPath)
  const other = candidates.find(({ ledger }) => ledger !== genesis.ledger)
  if (other !== undefined) {
    throw new Refusal('founding.genesis-differs', `${genesis.fingerprint} ≠ ${other.fingerprint}`)
  }

  checkMemberOfHome(home, genesis)

  const signatures = [...signaturesHeld(home, genesis), ...signaturesIn(genesis, texts)]
  makeDirectory(home)
  if (!existsSync(genesisPath)) writeWhole(genesisPath, genesis.entry)
  if (signatures.length > 0) {
    writeWhole(join(home, homeFiles.signatures), formatSignatures(genesis, signatures), { replace: true })
  }
  const missing = membersWithoutSignature(genesis, signatures)
  terminal.say(
    both(
      `创世文件：${genesisPath}\n成员 ${genesis.members.length} 个，指纹 ${genesis.fingerprint}`,
      `Genesis: ${genesisPath}\n${genesis.members.length} members, fingerprint ${genesis.fingerprint}`,
    ),
  )
  terminal.say(
    missing.length === 0
      ? both('全部成员已签名，可以启动：gongzheng start', 'All members have signed. Start with: gongzheng start')
      : both(
          `尚缺签名：${missing.join('、')}。请核对后运行 gongzheng genesis review 与 gongzheng genesis sign，并交换签名文件。`,
          `Signatures still missing: ${missing.join(', ')}. Run gongzheng genesis review and gongzheng genesis sign, and exchange the signature files.`,
        ),
  )
  terminal.json({
    ok: true,
    genesis: genesisPath,
    ledger: genesis.ledger,
    fingerprint: genesis.fingerprint,
    members: genesis.members.map(({ id }) => id),
    missingSignatures: missing,
  })
  return exitCode.done
}

export interface GenesisReadOptions {
  readonly home: string
  /** A genesis file; without it, that of the home. */
  readonly file?: string
}

export function genesisReview({ home, file }: GenesisReadOptions, terminal: Terminal): ExitCode {
  const genesis = genesisToRead({ home, file })
  const signatures = file === undefined ? signaturesHeld(home, genesis) : []
  const signed = new Set(signatures.map(({ member }) => member))
  terminal.say(reviewText(genesis, signed, terminal.language))
  const { ledger, fingerprint, origin, quorum, members, parameters, catalogue } = genesis
  terminal.json({ ok: true, ledger, fingerprint, origin, quorum, members, parameters, catalogue, signed: [...signed] })
  return exitCode.done
}

export function genesisFingerprint({ home, file }: GenesisReadOptions, terminal: Terminal): ExitCode {
  const { fingerprint, ledger } = genesisToRead({ home, file })
  terminal.say(fingerprint)
  terminal.remark(both(`全部 64 位，供章程印出：${ledger}`, `All 64 digits, for the charter: ${ledger}`))
  terminal.json({ ok: true, fingerprint, ledger })
  return exitCode.done
}

export interface GenesisSignOptions extends GenesisReadOptions {
  readonly governanceKey: string
  /** As compared with the other members. */
  readonly fingerprint?: string
  readonly out?: string
  readonly passphraseFile?: string
}

/** Signs what a person has compared: the fingerprint is given, or typed. */
export async function genesisSign(options: GenesisSignOptions, terminal: Terminal): Promise<ExitCode> {
  const { home } = options
  const genesis = genesisToRead(options)
  const passphrase = passphraseFrom(options.passphraseFile)
  const governance = governanceKey(
    readKeyFile(options.governanceKey, { kind: 'governance', origin: genesis.origin, passphrase }),
  )
  const signature = signGenesis(genesis, governance)
  checkOwnCard(home, genesis, signature.member)
  if (options.fingerprint === undefined) await confirm(genesis, terminal)
  else if (!isFingerprintOf(options.fingerprint, genesis.ledger)) {
    throw new Refusal('founding.fingerprint-differs', `${options.fingerprint} ≠ ${genesis.fingerprint}`)
  }
  const out = options.out ?? `${signature.member}.genesis-signature.json`
  writeWhole(out, formatGenesisSignature(signature), { replace: true })
  terminal.say(
    both(
      `已签名：${out}（成员 ${signature.member}，指纹 ${genesis.fingerprint}）\n下一步：把签名文件交给其他成员；收齐后运行 gongzheng genesis collect。`,
      `Signed: ${out} (member ${signature.member}, fingerprint ${genesis.fingerprint})\nNext: hand the file to the other members; when all are there, run gongzheng genesis collect.`,
    ),
  )
  terminal.json({ ok: true, signature: out, member: signature.member, fingerprint: genesis.fingerprint })
  return exitCode.done
}

// ── parts ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const random = new SystemRandom()

/** New keys for a member of this founding, and its card. */
export function drawMember(charter: Charter, self: Parameters<typeof makeCard>[1]) {
  const origin = originOfCharter(charter)
  const draw = (kind: KeyFileKind) => newKeyFile(kind, origin, random)
  const keys = { node: draw('node'), centre: draw('centre'), governance: draw('governance') }
  const card = makeCard(charter, self, {
    node: nodeKeys(keys.node),
    centre: centreKey(keys.centre),
    governance: governanceKey(keys.governance),
  })
  return { keys, card }
}

export const formatConfiguration = (file: ConfigurationFile): string => `${JSON.stringify(file, null, 2)}\n`

/** A secret in a file of its own: a command line is seen by everybody on the machine. */
export function passphraseFrom(path: string | undefined): string | undefined {
  const from = path ?? process.env.GONGZHENG_PASSPHRASE_FILE
  if (from === undefined || from === '') return undefined
  const passphrase = readText(from).replace(/\r?\n$/, '')
  // A file that was never filled would seal the keys with nothing, and look as if they were sealed.
  if (passphrase === '') throw new Refusal('file.wrong-kind', `${from}: no passphrase in it`)
  return passphrase
}

export function genesisAt(path: string): Genesis {
  const file = readFoundingFile(path, readBytes(path))
  if (file.kind !== 'genesis') throw new Refusal('file.wrong-kind', `${path}: not a genesis`)
  return file.genesis
}

/** The file named, or the genesis of the home. Whoever comes too early is told what comes first, and not that a path is wrong. */
function genesisToRead({ home, file }: { readonly home: string; readonly file?: string | undefined }): Genesis {
  const path = file ?? join(home, homeFiles.genesis)
  if (file === undefined && !existsSync(path)) throw new Refusal('configuration.not-founded', path)
  return genesisAt(path)
}

function readCharter(path: string): Charter {
  const file = readFoundingFile(path, readBytes(path))
  if (file.kind !== 'charter') throw new Refusal('file.wrong-kind', `${path}: not a charter draft`)
  return file.charter
}

function signaturesHeld(home: string, genesis: Genesis): readonly GenesisSignature[] {
  const path = join(home, homeFiles.signatures)
  if (!existsSync(path)) return []
  const file = readFoundingFile(path, readBytes(path))
  if (file.kind !== 'signatures') throw new Refusal('file.wrong-kind', `${path}: not signatures`)
  return signaturesIn(genesis, file.texts)
}

/** Whoever collected the cards may have changed one; the member itself is who can tell. */
function checkOwnCard(home: string, genesis: Genesis, member: string): void {
  const card = cardOfHome(home)
  // The governance key may be used on a machine that has no home; there the person has to compare.
  if (card === undefined || card.member.id !== member) return
  const held = genesis.members.find(({ id }) => id === member)!
  if (!isSameMember(held, card.member)) {
    throw new Refusal('founding.not-my-card', member)
  }
}

/** The cards of the others come by post, one's own lies in the home and is forgotten: a genesis without it would be of no use here. */
function checkMemberOfHome(home: string, genesis: Genesis): void {
  const card = cardOfHome(home)
  if (card !== undefined && !genesis.members.some(({ id }) => id === card.member.id)) {
    throw new Refusal('founding.incomplete', `without ${join(home, homeFiles.card)}, the card of ${card.member.id}`)
  }
}

function cardOfHome(home: string): Card | undefined {
  const path = join(home, homeFiles.card)
  if (!existsSync(path)) return undefined
  const file = readFoundingFile(path, readBytes(path))
  if (file.kind !== 'card') throw new Refusal('file.wrong-kind', `${path}: not a card`)
  return file.card
}

async function confirm(genesis: Genesis, terminal: Terminal): Promise<void> {
  if (!terminal.isInteractive) {
    throw new CommandFailure('founding.not-confirmed', genesis.fingerprint, exitCode.unusable)
  }
  terminal.remark(reviewText(genesis, new Set(), terminal.language))
  const typed = await terminal.ask(
    both(
      '\n请与其他成员核对指纹，然后在此输入以示同意（直接回车放弃）：',
      '\nCompare the fingerprint with the other members, then type it here to agree (Enter alone gives up): ',
    ),
  )
  if (typed === '') throw new CommandFailure('founding.not-confirmed', genesis.fingerprint, exitCode.refused)
  if (!isFingerprintOf(typed, genesis.ledger)) {
    throw new Refusal('founding.fingerprint-differs', `${typed} ≠ ${genesis.fingerprint}`)
  }
}

function configurationOf(options: InitOptions): ConfigurationFile {
  const { member, listen = [], api } = options
  const file: ConfigurationFile = {
    member,
    listen,
    api: endpointOf(api),
    ...(options.private === undefined ? {} : { private: privateEndpointOf(options.private) }),
    peers: {},
    logLevel: 'info',
  }
  // What init writes, start must read.
  parseConfiguration(JSON.stringify(file))
  return file
}

/** `host:port`, `[::1]:port` or `port`. */
export function endpointOf(text: string): Endpoint {
  const match = /^(?:(?<host>\[[0-9a-fA-F:]+\]|[^:]+):)?(?<port>\d{1,5})$/.exec(text)
  if (match === null) throw new CommandFailure('usage.wrong', `${text}: <host>:<port>`, exitCode.unusable)
  const { host = '127.0.0.1', port } = match.groups!
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
}

const privateEndpointOf = (text: string): PrivateEndpoint =>
  /^(?:.*:)?\d{1,5}$/.test(text) ? endpointOf(text) : { socket: text }

/** Only for its owner. @throws {Refusal} file.unwritable */
export const makeDirectory = (path: string): void => makeDirectories(path, 0o700)
