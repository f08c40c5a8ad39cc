/**
 * `devnet`: a whole ledger on this machine for trying things out — four cities, four processes, LevelDB on disk, loopback only — with a
 * submitter whose key is registered and commands to copy. Ends on Ctrl-C, SIGTERM, or when whoever forked it goes; started again it
 * continues where it was. `devnet.json` says who runs where, for programs that want to stop one and see what happens.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { sha256 } from '#crypto'
import type { Client } from '../../api/client/client.ts'
import { ProblemError } from '../../api/client/client.ts'
import { toHex, utf8 } from '../../chain/bytes.ts'
import type { Genesis } from '../../chain/genesis.ts'
import { canonicalJson, type JsonObject, parseJson } from '../../chain/json.ts'
import { Refusal } from '../../chain/refusal.ts'
import { signStatement } from '../../chain/statement.ts'
import { SystemRandom } from '../system-clock.ts'
import { clientFor } from './connection.ts'
import { Children } from './devnet-children.ts'
import { cities, configureDevnet, devnetGenesis, devnetPorts, foundDevnet, nodesMax } from './devnet-founding.ts'
import { CommandFailure, type ExitCode, exitCode } from './failure.ts'
import { readText, writeWhole } from './files.ts'
import { both } from './language.ts'
import { approval, keyRequest } from './registration.ts'
import { beijingTime } from './review.ts'
import { loadSigningKey, newJwk, type SigningKey, writeSecret } from './signing-key.ts'
import { untilAskedToStop } from './start.ts'
import { columns, type Terminal } from './terminal.ts'

export interface DevnetOptions {
  readonly dir: string
  /** First API port; 0: free ones. Without it, those of the last start. */
  readonly port?: number
  readonly nodes?: number
}

/** `devnet.json`: what a program needs to know of a running devnet. */
export interface DevnetState {
  readonly version: 1
  readonly ledger: string
  readonly fingerprint: string
  /** First API port as it was asked for; 0 for free ones. */
  readonly port: number
  /** Of the devnet command; null when it has stopped. */
  readonly pid: number | null
  readonly nodes: readonly {
    readonly member: string
    readonly name: string
    readonly home: string
    readonly url: string
    readonly privateUrl: string
    readonly log: string
    /** Null when its process has ended. */
    readonly pid: number | null
  }[]
  readonly submitter: {
    readonly party: string
    readonly name: string
    readonly key: string
    readonly kid: string
    /** Of the record that registered the key. */
    readonly index: string
    readonly fields: string
    readonly statement: string
  }
  readonly curl: readonly string[]
}

export const defaultPort = 8440
export const defaultNodes = 4

/** Made up, with a right check character; a platform that signs for itself. */
const submitter = {
  party: 'uscc:91440106MA5K7G209Y',
  name: '示例交易平台有限公司',
  roles: ['trading-platform'],
} as const

export async function devnet(options: DevnetOptions, terminal: Terminal): Promise<ExitCode> {
  const asked = untilAskedToStop()
  const directory = resolve(options.dir)
  const statePath = join(directory, 'devnet.json')
  const genesis = foundOrFind(directory, options.nodes, terminal)
  const before = stateAt(statePath)
  const port = options.port ?? before?.port ?? defaultPort
  const members = genesis.members.map(({ id }) => id)
  configureDevnet(directory, genesis, await devnetPorts(orderOf(members), port))

  let state: DevnetState | undefined
  const children = new Children(
    { directory, language: terminal.language },
    {
      onExit: (member, how) => {
        // Before it is said: whoever hears of it may look there.
        if (state !== undefined) state = save(statePath, state, children)
        const restart = `${command} start --home ${shown(join(directory, member))}`
        terminal.remark(
          both(
            `! ${member} 的进程已结束（${how}），其余节点继续运行。重新启动：${restart}`,
            `! The process of ${member} has ended (${how}); the others go on. To start it again: ${restart}`,
          ),
        )
      },
    },
  )
  try {
    terminal.remark(both(`正在启动 ${members.length} 个节点……`, `Starting ${members.length} nodes…`))
    // Ctrl-C while they start must not have to wait for what will never come.
    const beginning = begin(directory, genesis, port, children, terminal)
    beginning.catch(() => undefined)
    const begun = await Promise.race([asked, beginning])
    if (begun !== undefined) {
      state = save(statePath, begun, children)
      show(state, terminal)
      await asked
    }
  } finally {
    terminal.remark(both('正在停止试验网……', 'Stopping the devnet…'))
    await children.stop()
    if (state !== undefined) save(statePath, { ...state, pid: null }, children)
    terminal.remark(both('试验网已停止，数据保留。', 'The devnet has stopped; its data stay.'))
  }
  return exitCode.done
}

/** @param addressesOf as of `foundDevnet` */
export function foundOrFind(
  directory: string,
  nodes: number | undefined,
  terminal: Terminal,
  addressesOf?: (member: string) => readonly string[],
): Genesis {
  if (nodes !== undefined && !(Number.isInteger(nodes) && nodes >= 1 && nodes <= nodesMax)) {
    throw new CommandFailure('usage.wrong', `--nodes: 1…${nodesMax}`, exitCode.unusable)
  }
  const held = devnetGenesis(directory)
  if (held === undefined) {
    foundDevnet(directory, nodes ?? defaultNodes, addressesOf)
    terminal.remark(both(`已创立新的试验网：${shown(directory)}`, `Founded a new devnet in ${shown(directory)}`))
  } else if (nodes !== undefined && nodes !== held.members.length) {
    throw new Refusal('devnet.other', `${directory}: ${held.members.length} nodes`)
  }
  return devnetGenesis(directory)!
}

/** All nodes, then the submitter. */
async function begin(
  directory: string,
  genesis: Genesis,
  port: number,
  children: Children,
  terminal: Terminal,
): Promise<DevnetState> {
  const members = orderOf(genesis.members.map(({ id }) => id))
  const started = await Promise.all(members.map((member) => children.start(member)))
  const nodes = members.map((member, at) => ({
    member,
    name: genesis.members.find(({ id }) => id === member)!.name,
    home: join(directory, member),
    url: started[at]!.apiUrl,
    privateUrl: started[at]!.privateUrl!,
    log: join(directory, member, 'node.log'),
    pid: children.pidOf(member),
  }))
  const clients = nodes.map(({ url }) => clientFor(url, terminal.language, 20))
  await untilWorking(clients, genesis)
  const ready = await registerSubmitter(directory, genesis, nodes, clients)
  return {
    version: 1,
    ledger: genesis.ledger,
    fingerprint: genesis.fingerprint,
    port,
    pid: process.pid,
    nodes,
    submitter: ready,
    curl: curlLines(nodes, ready),
  }
}

/** Every node is connected to every other, has a leader, and the genesis is attested. */
async function untilWorking(clients: readonly Client[], genesis: Genesis): Promise<void> {
  const deadline = Date.now() + readyMs
  for (;;) {
    const answers = await Promise.all(clients.map((client) => client.status()))
    const waiting = answers.find(
      ({ leader, attestedSize, quorum, hindrances }) =>
        leader === null || attestedSize === '0' || quorum.connected < genesis.members.length || hindrances.length > 0,
    )
    if (waiting === undefined) return
    if (Date.now() > deadline) {
      const codes = waiting.hindrances.map(({ code }) => code).join(', ')
      throw new CommandFailure('devnet.not-ready', `${waiting.member}: ${codes}`, exitCode.refused)
    }
    await pause(pollMs)
  }
}

/** Generous: on a busy machine four processes may need a minute to load. */
const readyMs = 120_000
const pollMs = 200
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The path every submitter goes: a key, a request, two members' approval. What is done already is not done again. */
async function registerSubmitter(
  directory: string,
  genesis: Genesis,
  nodes: DevnetState['nodes'],
  clients: readonly Client[],
): Promise<DevnetState['submitter']> {
  const folder = join(directory, 'submitter')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const keyPath = join(folder, 'key.json')
  if (!existsSync(keyPath)) writeSecret(keyPath, newJwk(new SystemRandom(), submitter.party).text)
  const key = await loadSigningKey({ key: keyPath })
  const requestPath = join(folder, 'request.jws')
  const { ledger } = genesis
  const request = keyRequest({ ledger, ...submitter, roles: [...submitter.roles] }, key.signer)
  writeWhole(requestPath, `${request}\n`, { replace: true })
  if ((await registeredIndex(clients[0]!, key)) === undefined) {
    for (const [at, { home }] of nodes.slice(0, 2).entries()) {
      const centre = await loadSigningKey({ home })
      await clients[at]!.submit(approval({ ledger, party: centre.party! }, request, centre.signer), { waitSeconds: 30 })
    }
  }
  const index = await untilEverywhere(clients, key)
  const { fields, statement } = writeExamples(folder, ledger, key)
  return { party: submitter.party, name: submitter.name, key: keyPath, kid: key.kid, index, fields, statement }
}

/** Which node a command names must not matter, so all of them have the key, attested. */
async function untilEverywhere(clients: readonly Client[], key: SigningKey): Promise<string> {
  const deadline = Date.now() + readyMs
  for (;;) {
    const indices = await Promise.all(
      clients.map(async (client) => {
        const index = await registeredIndex(client, key)
        return index !== undefined && (await isAttested(client, index)) ? index : undefined
      }),
    )
    const [index] = indices
    if (index !== undefined && indices.every((other) => other === index)) return index
    if (Date.now() > deadline) throw new CommandFailure('devnet.not-ready', submitter.party, exitCode.refused)
    await pause(pollMs)
  }
}

async function registeredIndex(client: Client, key: SigningKey): Promise<string | undefined> {
  try {
    const party = await client.party(submitter.party)
    return party.keys.find(({ kid }) => kid === key.kid)?.index
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'party.not-found') return undefined
    throw error
  }
}

async function isAttested(client: Client, index: string): Promise<boolean> {
  const found = await client.record(index)
  return found.kind === 'record' && found.record.status === 'attested'
}

/** Plain fields to sign oneself, and a statement that is signed already: `curl` cannot sign. New at every start. */
function writeExamples(folder: string, ledger: string, key: SigningKey) {
  const now = Date.now()
  const fields = attestation(`devnet-${now}`, 'uscc', '示例交易平台', now)
  const paths = { fields: join(folder, 'fields.json'), statement: join(folder, 'statement.jws') }
  writeWhole(paths.fields, `${JSON.stringify({ ...fields, key: `my-first-${now}` }, null, 2)}\n`, { replace: true })
  const statement = signStatement({ ...fields, ledger, party: submitter.party }, key.signer)
  writeWhole(paths.statement, statement, { replace: true })
  return paths
}

function attestation(key: string, what: string, system: string, now: number): JsonObject {
  return {
    type: 'attest.hash@1',
    key,
    subject: 'document',
    hash: { algorithm: 'sha256', value: toHex(sha256(utf8(`${key} ${what}`))) },
    mediaType: 'application/pdf',
    source: {
      system,
      operator: 'role:档案员',
      method: '自动归档',
      software: '示例 1.0',
      occurredAt: beijingTime(now),
    },
  }
}

/** Each works by itself and as often as one likes. */
function curlLines(nodes: DevnetState['nodes'], { statement, index }: DevnetState['submitter']): readonly string[] {
  const node = (at: number) => nodes[at % nodes.length]!
  const plain = canonicalJson(attestation(`plain-${Date.now()}`, 'plain', '中心内部系统', Date.now()))
  return [
    `curl -sS -H 'Content-Type: application/jose' --data-binary ${quoted(`@${shown(statement)}`)} ${node(0).url}/v1/records`,
    `curl -sS '${node(1).url}/v1/records/${index}/proof?format=tlog-proof'`,
    `curl -sS ${node(2).url}/checkpoint`,
    `curl -sS -H 'Content-Type: application/json' -d '${plain}' ${node(3).privateUrl}/v1/records`,
  ]
}

function show(state: DevnetState, terminal: Terminal): void {
  const { nodes, submitter: ready, curl, fingerprint } = state
  const first = nodes[0]!.url
  terminal.say(both(`\n试验网已就绪，账本指纹 ${fingerprint}\n`, `\nThe devnet is ready, ledger ${fingerprint}\n`))
  terminal.say(columns(nodes.map(({ name, member, url }) => [`${name} (${member})`, url])))
  terminal.say(
    both(
      `\n已登记的提交方：${ready.name}（${ready.party}）\n密钥：${shown(ready.key)}`,
      `\nA registered submitter: ${ready.name} (${ready.party})\nIts key: ${shown(ready.key)}`,
    ),
  )
  terminal.say(
    both(
      '\n可直接复制的命令：提交已签名报文；取证明；看账本快照；由本中心代签明文数据',
      '\nReady to copy: submit a signed statement; get a proof; see the checkpoint; have a centre sign plain data',
    ),
  )
  terminal.say(curl.join('\n'))
  terminal.say(both('\n自己签名并提交，再离线验证：', '\nSign and submit yourself, then verify off-line:'))
  terminal.say(`${command} submit --wait --key ${shown(ready.key)} --url ${first} ${shown(ready.fields)}`)
  terminal.say(
    `${command} get --url ${first} --proof my.tlog-proof --entry my.entry --policy policy.txt ${ready.index}`,
  )
  terminal.say(`${command} verify --policy policy.txt --proof my.tlog-proof --entry my.entry`)
  terminal.say(
    both('\n按 Ctrl-C 停止；再次运行会接着原来的账本继续。', '\nCtrl-C stops it; run it again and it continues.'),
  )
  terminal.json({ ok: true, ...state })
}

/** As one types it in the project's directory. */
const command = 'node bin/gongzheng.js'

function save(path: string, state: DevnetState, children: Children): DevnetState {
  const now = { ...state, nodes: state.nodes.map((node) => ({ ...node, pid: children.pidOf(node.member) })) }
  writeWhole(path, `${JSON.stringify(now, null, 2)}\n`, { replace: true })
  return now
}

function stateAt(path: string): Pick<DevnetState, 'port'> | undefined {
  if (!existsSync(path)) return undefined
  try {
    const { port } = parseJson(readText(path)) as { readonly port?: unknown }
    return typeof port === 'number' ? { port } : undefined
  } catch {
    return undefined // only a memory of the last port
  }
}

/** Members in the order of the examples, Guangzhou first, whatever the genesis' order is. */
function orderOf(members: readonly string[]): readonly string[] {
  return cities.map(({ id }) => id).filter((id) => members.includes(id))
}

/** A path as short as it can be typed from here. */
function shown(path: string): string {
  const short = relative(process.cwd(), path)
  return quoted(short === '' || short.startsWith('..') ? path : short)
}

const quoted = (text: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
