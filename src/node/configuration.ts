/**
 * What a node is started with: its home directory, read once and checked as a whole. `config.json` says where it listens and whom it
 * dials; `genesis.json` and `genesis.signatures.json` what it belongs to; `keys/` who it is. What is wrong is said plainly, with the
 * file and the field, before anything is opened: a node never starts with a key, a ledger or an address it is not sure of.
 */
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { fromUtf8 } from '../chain/bytes.ts'
import { catalogueOf } from '../chain/catalogue/catalogue.ts'
import type { ChainRules } from '../chain/execution.ts'
import {
  type Genesis,
  type GenesisMember,
  type GenesisSignature,
  membersWithoutSignature,
  parseGenesis,
  verifyGenesisSignature,
} from '../chain/genesis.ts'
import { canonicalJson, type JsonObject, type JsonValue, parseJson } from '../chain/json.ts'
import { kidOf } from '../chain/keys.ts'
import { type FieldProblem, Refusal, type RefusalTexts } from '../chain/refusal.ts'
import { centreKey, type KeyPair, type NodeKeys, nodeKeys } from './identity.ts'
import { readKeyFile } from './key-file.ts'
import type { DialPolicy } from './libp2p-network.ts'

/** Where the files of a home are, relative to it. */
export const homeFiles = {
  configuration: 'config.json',
  genesis: 'genesis.json',
  signatures: 'genesis.signatures.json',
  card: 'card.json',
  nodeKey: join('keys', 'node.json'),
  centreKey: join('keys', 'centre.json'),
  data: 'data',
} as const

export interface Endpoint {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

/** The private listener: a unix socket (path, relative to the home) or a port on loopback. */
export type PrivateEndpoint = { readonly socket: string } | Endpoint

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** `config.json`, as it stands in the file. */
export interface ConfigurationFile {
  readonly member: string
  /** Multiaddrs for the other members; empty: this node only dials. */
  readonly listen: readonly string[]
  readonly api: Endpoint
  readonly private?: PrivateEndpoint
  readonly operations?: Endpoint
  /** By member id; what is not given comes from the genesis. */
  readonly peers: Readonly<
    Record<string, { readonly addresses?: readonly string[]; readonly dial?: DialPolicy } | undefined>
  >
  readonly logLevel?: LogLevel
}

export interface Configuration {
  /** Absolute. */
  readonly home: string
  readonly dataDirectory: string
  /** Id of this member. */
  readonly member: string
  /** This member as the genesis has it. */
  readonly self: GenesisMember
  readonly listen: readonly string[]
  readonly api: Endpoint
  /** `private` in the file. Socket paths are absolute here. */
  readonly privateListener?: PrivateEndpoint
  readonly operations?: Endpoint
  readonly peers: ConfigurationFile['peers']
  readonly logLevel: LogLevel
  readonly genesis: Genesis
  readonly rules: ChainRules
  readonly keys: {
    readonly node: NodeKeys
    /** Absent where this node signs for nobody: the home has no `keys/centre.json`. */
    readonly centre: KeyPair | undefined
  }
}

export interface HomeSecrets {
  /** Opens key files that are sealed by one. */
  readonly passphrase?: string | undefined
}

/**
 * @throws {Refusal} configuration.*, genesis.*, json.malformed, type.unknown (a record type that this software does not know);
 * identity.* when a key file cannot be used
 */
export async function loadConfiguration(home: string, secrets: HomeSecrets = {}): Promise<Configuration> {
  const root = resolve(home)
  const text = await readText(root, homeFiles.configuration, 'configuration.missing')
  const file = inFile(join(root, homeFiles.configuration), () => parseConfiguration(text))
  const genesis = await loadGenesis(root)
  await loadSignatures(root, genesis)
  const self = genesis.members.find(({ id }) => id === file.member)
  if (self === undefined) {
    const members = genesis.members.map(({ id }) => id).join(', ')
    throw new Refusal('configuration.not-a-member', `${file.member}; the members are ${members}`)
  }
  checkPeers(file, genesis)
  return {
    home: root,
    dataDirectory: join(root, homeFiles.data),
    member: self.id,
    self,
    listen: file.listen,
    api: file.api,
    ...(file.private === undefined ? {} : { privateListener: absolute(file.private, root) }),
    ...(file.operations === undefined ? {} : { operations: file.operations }),
    peers: file.peers,
    logLevel: file.logLevel ?? 'info',
    genesis,
    rules: rulesOf(genesis),
    keys: {
      node: loadNodeKeys(root, self, genesis.origin, secrets),
      centre: await loadCentreKey(root, self, genesis, secrets),
    },
  }
}

/** The rules of a ledger before any record: the first epoch's. @throws {Refusal} type.unknown */
export function rulesOf(genesis: Genesis): ChainRules {
  return { context: { ledger: genesis.ledger, epoch: 0 }, genesis, catalogue: catalogueOf(genesis.catalogue) }
}

/** @throws {Refusal} configuration.not-founded when there is none yet; genesis.malformed */
export async function loadGenesis(home: string): Promise<Genesis> {
  const entry = await readBytes(home, homeFiles.genesis, 'configuration.not-founded')
  return inFile(join(home, homeFiles.genesis), () => parseGenesis(entry))
}

/**
 * The signatures in a home's `genesis.signatures.json`, each checked.
 * @throws {Refusal} configuration.unsigned unless every member has signed
 */
async function loadSignatures(home: string, genesis: Genesis): Promise<readonly GenesisSignature[]> {
  const text = await readText(home, homeFiles.signatures, 'configuration.unsigned')
  const signatures = inFile(join(home, homeFiles.signatures), () => parseSignatures(text, genesis))
  const missing = membersWithoutSignature(genesis, signatures)
  if (missing.length > 0) throw new Refusal('configuration.unsigned', `missing: ${missing.join(', ')}`)
  return signatures
}

/** @throws {Refusal} genesis.bad-signature, json.malformed */
export function parseSignatures(text: string, genesis: Genesis): readonly GenesisSignature[] {
  const list = parseJson(text)
  if (!Array.isArray(list)) throw new Refusal('genesis.bad-signature', `${homeFiles.signatures} is not a list`)
  return (list as readonly JsonValue[]).map((item) => verifyGenesisSignature(genesis, canonicalJson(item)))
}

/** @throws {Refusal} json.malformed; configuration.malformed, naming every field that is wrong */
export function parseConfiguration(text: string): ConfigurationFile {
  const reading = new Reading()
  const root = reading.object(parseByHand(text), '', [
    'member',
    'listen',
    'api',
    'private',
    'operations',
    'peers',
    'logLevel',
  ])
  const member = reading.text(root.member, '/member')
  const listen = reading.texts(root.listen, '/listen')
  const api = reading.endpoint(root.api, '/api')
  const privateEndpoint = root.private === undefined ? undefined : reading.privateEndpoint(root.private, '/private')
  const operations = root.operations === undefined ? undefined : reading.endpoint(root.operations, '/operations')
  const peers = root.peers === undefined ? {} : reading.peers(root.peers, '/peers')
  const logLevel = root.logLevel === undefined ? 'info' : reading.oneOf(root.logLevel, logLevels, '/logLevel')
  reading.end()
  return {
    member,
    listen,
    api,
    ...(privateEndpoint === undefined ? {} : { private: privateEndpoint }),
    ...(operations === undefined ? {} : { operations }),
    peers,
    logLevel,
  }
}

/** Written by hand and nothing secret in it: whoever wrote it is told where it stops being JSON. */
function parseByHand(text: string): JsonValue {
  try {
    return parseJson(text)
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw new Refusal(error.code, `${error.message}${placeOfSyntaxError(text)}`)
  }
}

function placeOfSyntaxError(text: string): string {
  try {
    JSON.parse(text)
    return ''
  } catch (error) {
    const place = /\(line \d+ column \d+\)/.exec((error as Error).message)
    return place === null ? '' : ` ${place[0]}`
  }
}

// ── the keys ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function loadNodeKeys(home: string, self: GenesisMember, origin: string, { passphrase }: HomeSecrets): NodeKeys {
  const path = join(home, homeFiles.nodeKey)
  const keys = nodeKeys(readKeyFile(path, { kind: 'node', origin, passphrase }))
  for (const purpose of ['network', 'log', 'cosign', 'seal'] as const) {
    if (kidOf(keys[purpose].publicKey) !== self.node[purpose]) {
      throw new Refusal(
        'configuration.keys-differ',
        `${path}: the ${purpose} key is not the one of ${self.id} in genesis`,
      )
    }
  }
  return keys
}

/** A centre key of later date than genesis is registered by a record, so any one of this ledger is taken. */
async function loadCentreKey(
  home: string,
  self: GenesisMember,
  { origin, members }: Genesis,
  { passphrase }: HomeSecrets,
): Promise<KeyPair | undefined> {
  const path = join(home, homeFiles.centreKey)
  try {
    await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  }
  const key = centreKey(readKeyFile(path, { kind: 'centre', origin, passphrase }))
  const kid = kidOf(key.publicKey)
  // Copied from the wrong home: the node would run, and every statement of its centre be refused.
  const other = members.find(({ id, centreKey }) => id !== self.id && centreKey === kid)
  if (other !== undefined) throw new Refusal('configuration.keys-differ', `${path}: the centre key of ${other.id}`)
  if (kid === self.governanceKey) {
    throw new Refusal('configuration.keys-differ', `${path}: the governance key is not used for daily work`)
  }
  return key
}

// ── config.json ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

function checkPeers(file: ConfigurationFile, genesis: Genesis): void {
  for (const id of Object.keys(file.peers)) {
    if (id === file.member || !genesis.members.some((member) => member.id === id)) {
      throw malformed([{ pointer: `/peers/${id}`, problem: '不是其他成员 | is not another member' }])
    }
  }
}

const absolute = (endpoint: PrivateEndpoint, home: string): PrivateEndpoint =>
  'socket' in endpoint ? { socket: resolve(home, endpoint.socket) } : endpoint

const loopbackHosts = ['127.0.0.1', '::1', 'localhost']
const dialPolicies: readonly DialPolicy[] = ['either', 'out', 'in']
const multiaddrForm = /^(?:\/[A-Za-z0-9._:%-]+)+$/

const malformed = (problems: readonly FieldProblem[]): Refusal =>
  new Refusal('configuration.malformed', problems.map(({ pointer }) => pointer).join(', '), problems)

/** Reads field by field and remembers every problem, so that an operator is told all of them at once. */
class Reading {
  readonly #problems: FieldProblem[] = []

  end(): void {
    if (this.#problems.length > 0) throw malformed(this.#problems)
  }

  object(value: JsonValue | undefined, pointer: string, names?: readonly string[]): JsonObject {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      this.#wrong(pointer, '应为对象', 'must be an object')
      return {}
    }
    const object = value as JsonObject
    for (const name of Object.keys(object)) {
      if (names !== undefined && !names.includes(name))
        this.#wrong(`${pointer}/${name}`, '没有这个字段', 'is not known')
    }
    return object
  }

  text(value: JsonValue | undefined, pointer: string): string {
    if (typeof value === 'string' && value !== '') return value
    this.#wrong(pointer, '应为非空字符串', 'must be a text')
    return ''
  }

  oneOf<Choice extends string>(value: JsonValue | undefined, choices: readonly Choice[], pointer: string): Choice {
    if (choices.includes(value as Choice)) return value as Choice
    this.#wrong(pointer, `应为 ${choices.join('、')} 之一`, `must be one of ${choices.join(', ')}`)
    return choices[0]!
  }

  /** Multiaddrs. */
  texts(value: JsonValue | undefined, pointer: string): readonly string[] {
    if (!Array.isArray(value)) {
      this.#wrong(pointer, '应为地址列表', 'must be a list of multiaddrs')
      return []
    }
    return (value as readonly JsonValue[]).map((item, at) => {
      if (typeof item === 'string' && multiaddrForm.test(item)) return item
      this.#wrong(`${pointer}/${at}`, '应为 /ip4/… 形式的地址', 'must be a multiaddr like /ip4/10.0.0.1/tcp/8450')
      return ''
    })
  }

  endpoint(value: JsonValue | undefined, pointer: string): Endpoint {
    const { host, port } = this.object(value, pointer, ['host', 'port'])
    if (typeof port !== 'number' || !Number.isInteger(port) || port < 0 || port > 65_535) {
      this.#wrong(`${pointer}/port`, '应为 0 至 65535', 'must be 0 to 65535')
    }
    const spelled = this.text(host, `${pointer}/host`)
    if (spelled !== '' && isIP(spelled) === 0 && !/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(spelled)) {
      this.#wrong(`${pointer}/host`, '应为主机名或 IP 地址', 'must be a host name or an IP address')
    }
    return { host: spelled, port: port as number }
  }

  privateEndpoint(value: JsonValue | undefined, pointer: string): PrivateEndpoint {
    const object = this.object(value, pointer)
    if (object.socket !== undefined) {
      this.object(value, pointer, ['socket'])
      return { socket: this.text(object.socket, `${pointer}/socket`) }
    }
    const endpoint = this.endpoint(value, pointer)
    // Whoever reaches it speaks for the centre.
    if (endpoint.host !== '' && !loopbackHosts.includes(endpoint.host)) {
      this.#wrong(`${pointer}/host`, '只可为本机回环地址或 socket', 'must be loopback; or give a socket')
    }
    return endpoint
  }

  peers(value: JsonValue | undefined, pointer: string): ConfigurationFile['peers'] {
    const peers = Object.entries(this.object(value, pointer)).map(([member, item]) => {
      const at = `${pointer}/${member}`
      const { addresses, dial } = this.object(item, at, ['addresses', 'dial'])
      const peer = {
        ...(addresses === undefined ? {} : { addresses: this.texts(addresses, `${at}/addresses`) }),
        ...(dial === undefined ? {} : { dial: this.oneOf(dial, dialPolicies, `${at}/dial`) }),
      }
      return [member, peer] as const
    })
    // Makes every name an own one: by assignment `__proto__` would vanish unseen.
    return Object.fromEntries(peers)
  }

  #wrong(pointer: string, zh: string, en: string): void {
    this.#problems.push({ pointer, problem: `${zh} | ${en}` })
  }
}

/** Of several files that were read, which one is no JSON: its words alone do not say. */
function inFile<Value>(path: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'json.malformed') throw error
    throw new Refusal(error.code, `${path}: ${error.message}`, error.fields)
  }
}

async function readText(home: string, name: string, missingCode: string): Promise<string> {
  const bytes = await readBytes(home, name, missingCode)
  try {
    return fromUtf8(bytes)
  } catch {
    throw new Refusal('configuration.unreadable', `${join(home, name)}: not UTF-8`)
  }
}

async function readBytes(home: string, name: string, missingCode: string): Promise<Uint8Array> {
  const path = join(home, name)
  try {
    return new Uint8Array(await readFile(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new Refusal(missingCode, path)
    const message = error instanceof Error ? error.message : String(error)
    // Of a directory in its place (a container's engine makes one where a file to mount is missing) the system names no path.
    throw new Refusal('configuration.unreadable', message.includes(path) ? message : `${path}: ${message}`)
  }
}

/** Why a home directory cannot be used. */
export const configurationRefusals: RefusalTexts = {
  'start.address': {
    zh: {
      title: '无法在配置的地址上监听',
      cause: '地址已被占用、不属于本机、此用户无权使用，或写法不对；socket 的目录不存在，或已有同名的其他文件。',
      remedy: '请停止占用该地址的程序，或修改 config.json 中详情所示的字段。',
    },
    en: {
      title: 'Cannot listen at the configured address',
      cause:
        'The address is in use, not of this machine, not for this user, or not well-formed; or the folder of the socket is missing, or another file has its name.',
      remedy: 'Stop the program that has the address, or change the field of config.json that the detail names.',
    },
  },
  'configuration.missing': {
    zh: {
      title: '找不到节点配置',
      cause: '该目录中没有 config.json，不是节点的主目录。',
      remedy: '请用 --home 或环境变量 GONGZHENG_HOME 指明主目录；新成员请先运行 gongzheng init。',
    },
    en: {
      title: 'No node configuration here',
      cause: 'The directory has no config.json: it is not the home of a node.',
      remedy: 'Name the home with --home or GONGZHENG_HOME; a new member runs gongzheng init first.',
    },
  },
  'configuration.unreadable': {
    zh: {
      title: '无法读取配置文件',
      cause: '操作系统拒绝读取，或文件不是 UTF-8。',
      remedy: '请检查文件的属主、权限与编码。',
    },
    en: {
      title: 'A file of the home cannot be read',
      cause: 'The operating system refused to read it, or it is not UTF-8.',
      remedy: 'Check owner, permissions and encoding of the file.',
    },
  },
  'configuration.malformed': {
    zh: {
      title: '节点配置有误',
      cause: 'config.json 的字段缺失、多余或取值不对（见 fields）。',
      remedy: '请按 fields 逐项改正；写法见 docs/cli.zh.md。',
    },
    en: {
      title: 'The node configuration is wrong',
      cause: 'A field of config.json is missing, unknown or has a wrong value (see fields).',
      remedy: 'Correct what fields lists; docs/cli.md shows the form.',
    },
  },
  'configuration.not-founded': {
    zh: {
      title: '账本尚未创立',
      cause: '主目录中还没有 genesis.json。',
      remedy: '请交换成员名片，再用 gongzheng genesis collect 生成创世文件。',
    },
    en: {
      title: 'The ledger is not founded yet',
      cause: 'The home has no genesis.json.',
      remedy: 'Exchange the members’ cards and make the genesis with gongzheng genesis collect.',
    },
  },
  'configuration.unsigned': {
    zh: {
      title: '创世文件尚未由全部成员签名',
      cause: '全体成员的治理密钥都签名之后，节点才会启动。',
      remedy: '请各成员运行 gongzheng genesis sign，交换签名文件，再用 gongzheng genesis collect 收齐。',
    },
    en: {
      title: 'Not all members have signed the genesis',
      cause: 'A node starts only with a signature by every member’s governance key.',
      remedy:
        'Each member runs gongzheng genesis sign; exchange the files and gather them with gongzheng genesis collect.',
    },
  },
  'configuration.not-a-member': {
    zh: {
      title: '配置中的成员不在创世文件中',
      cause: 'config.json 的 member 与创世文件的成员标识都不相同。',
      remedy: '请检查主目录与创世文件是否属于同一账本。',
    },
    en: {
      title: 'The configured member is not in the genesis',
      cause: 'member in config.json is none of the member ids of the genesis.',
      remedy: 'Check that home and genesis belong to the same ledger.',
    },
  },
  'configuration.keys-differ': {
    zh: {
      title: '密钥与创世文件不符',
      cause: 'keys 目录中的密钥不是创世文件为该成员登记的密钥。',
      remedy: '请确认密钥文件没有放错主目录，或从备份恢复。',
    },
    en: {
      title: 'The keys are not those of the genesis',
      cause: 'A key in the folder keys is not the one that the genesis names for this member.',
      remedy: 'Check that the key files are in the right home, or restore them from a backup.',
    },
  },
}
