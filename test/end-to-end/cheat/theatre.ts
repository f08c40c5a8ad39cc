/**
 * Four cities as real processes, of which Wuhan's is in the hands of somebody who cheats: its data, its server, all its keys. And those who look:
 * an auditor with the command line and a directory of its own, a submitter with a receipt, a company.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { ed25519PublicKey, ed25519Sign, sha256 } from '#crypto'
import type { StatusAnswer } from '../../../src/api/answers.ts'
import { Client, ProblemError } from '../../../src/api/client/client.ts'
import { utf8 } from '../../../src/chain/bytes.ts'
import { keyRequestTypes } from '../../../src/chain/catalogue/key-request.ts'
import type { Genesis } from '../../../src/chain/genesis.ts'
import { kidOf, taggedEd25519 } from '../../../src/chain/keys.ts'
import { memberPolicy } from '../../../src/chain/member-policy.ts'
import { verifyProofFile } from '../../../src/chain/proof-check.ts'
import { type StatementSigner, signStatement } from '../../../src/chain/statement.ts'
import { runCommand } from '../../../src/node/cli/program.ts'
import type { TerminalStreams } from '../../../src/node/cli/terminal.ts'
import { homeFiles } from '../../../src/node/configuration.ts'
import { nodeKeys } from '../../../src/node/identity.ts'
import { readKeyFile } from '../../../src/node/key-file.ts'
import { foundHomes, type Home, NodeProcess, until } from '../cluster.ts'
import { ForgedServer, Forger, sizeOf } from './forgery.ts'

export const company = { party: 'uscc:91330100716105852F', name: '杭州某建设有限公司' }
export const cheat = 'wuhan'

/** Of whoever waits for something that has to come, on a machine that is busy with other things. */
const patienceMs = 180_000

/** An answer of the command line. */
export interface Said {
  readonly code: number
  readonly json: Readonly<Record<string, unknown>>
}

interface AuditJson {
  readonly verdict: string
  readonly findings: readonly {
    readonly code: string
    readonly source: string
    readonly accused?: readonly { readonly member: string; readonly kind?: string }[]
  }[]
  readonly proofs: readonly string[]
}

/** What an audit and `fault verify` made of what they were shown. */
export interface Judgement {
  readonly audit: string
  /** What was found, at whose server. */
  readonly findings: readonly string[]
  /** Members that the audit names, with what their keys contradicted themselves in, if that is proven. */
  readonly named: readonly string[]
  /** Members that `fault verify` convicts with nothing but the file and the genesis. */
  readonly convicted: readonly string[]
}

export class Theatre {
  readonly directory: string
  readonly genesis: Genesis
  readonly nodes: ReadonlyMap<string, NodeProcess>
  readonly forger: Forger
  readonly server = new ForgedServer()
  readonly companyKey: StatementSigner = signerFrom(sha256(utf8('company')))
  /** Statement ids of everything that was answered with a record. */
  readonly recorded: string[] = []
  forgedUrl = ''
  #audits = 0

  constructor(directory: string, genesis: Genesis, homes: readonly Home[]) {
    this.directory = directory
    this.genesis = genesis
    this.nodes = new Map(homes.map((home) => [home.id, new NodeProcess(home)]))
    const home = homes.find(({ id }) => id === cheat)!
    const keys = nodeKeys(readKeyFile(join(home.directory, homeFiles.nodeKey), { kind: 'node' }))
    this.forger = new Forger(genesis, genesis.members.find(({ id }) => id === cheat)!, keys)
    writeFileSync(this.file('genesis.json'), genesis.entry)
  }

  static async open(directory: string): Promise<Theatre> {
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory, { recursive: true })
    const { homes, genesis } = await foundHomes(join(directory, 'homes'), 4)
    const theatre = new Theatre(directory, genesis, homes)
    for (const { home } of theatre.nodes.values()) theatre.start(home.id)
    theatre.forgedUrl = await theatre.server.listen()
    await theatre.ready()
    return theatre
  }

  async close(): Promise<void> {
    this.server.close()
    await Promise.all([...this.nodes.values()].map((node) => node.kill('SIGTERM')))
  }

  file(name: string): string {
    return join(this.directory, name)
  }

  node(id: string): NodeProcess {
    return this.nodes.get(id)!
  }

  url(id: string): string {
    return this.node(id).home.apiUrl
  }

  client(id: string): Client {
    return new Client({ url: this.url(id), attemptsMax: 3 })
  }

  /** Wuhan's process is bent from its first instruction on; the others are as they are shipped. */
  start(id: string, how: 'ambitious' | 'sits' = 'ambitious'): void {
    const bent = pathToFileURL(join(import.meta.dirname, 'bent-node.ts')).href
    if (id === cheat) this.node(id).start(['--import', bent], { WUHAN: how })
    else this.node(id).start()
  }

  async ready(): Promise<void> {
    const all = async () => (await Promise.all([...this.nodes.values()].map((node) => node.isReady()))).every(Boolean)
    await until(all, 'four nodes ready', patienceMs)
    await until(async () => (await this.leaderAt('beijing')) !== null, 'a leader', patienceMs)
  }

  async status(id: string): Promise<StatusAnswer> {
    return this.client(id).status()
  }

  /** Who leads, as this member has it; null while it knows of nobody or does not answer. */
  async leaderAt(id: string): Promise<string | null> {
    return this.status(id).then(
      ({ leader }) => leader,
      () => null,
    )
  }

  /** Whoever else leads is held until somebody else does; Wuhan, whose time-out is the shortest, stands first. */
  async letWuhanLead(): Promise<void> {
    for (let attempt = 0; attempt < 20; attempt++) {
      let leader: string | null = null
      const isKnown = async () => {
        leader = await this.leaderAt('beijing')
        return leader !== null
      }
      await until(isKnown, 'a leader', patienceMs)
      if (leader === cheat) return
      const held = this.node(leader!)
      const watcher = leader === 'beijing' ? 'guangzhou' : 'beijing'
      held.hold(true)
      try {
        const isOther = async () => ![null, leader].includes(await this.leaderAt(watcher))
        await until(isOther, 'another leader', patienceMs)
      } finally {
        held.hold(false)
      }
      await this.ready()
    }
    throw new Error('Wuhan was never elected')
  }

  // ── who submits ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  document(key: string, party: string, signer: StatementSigner): string {
    const { ledger } = this.genesis
    return signStatement({ ledger, type: 'attest.hash@1', party, key, ...documentFields }, signer)
  }

  ofCentre(id: string, key: string): string {
    const { party, centre } = this.node(id).home
    return this.document(key, party, signerFrom(centre.seed))
  }

  /** Index of the attested record. */
  async submit(id: string, statement: string): Promise<number> {
    const client = this.client(id)
    const submitted = await client.submit(statement, { waitSeconds: 10 })
    const record =
      submitted.kind === 'attested'
        ? submitted.record
        : await client.untilAttested(submitted.pending.statementId, { timeoutMs: patienceMs })
    this.recorded.push(String(record.statementId))
    return Number(record.index)
  }

  /** Code of the refusal, or `recorded`. */
  async refusalOf(id: string, statement: string): Promise<string> {
    try {
      await this.submit(id, statement)
      return 'recorded'
    } catch (error) {
      if (error instanceof ProblemError) return error.code
      throw error
    }
  }

  /** A centre's word that a key is that company's, over its private listener, as its own systems give it. */
  async register(id: string, signer: StatementSigner): Promise<void> {
    const { ledger } = this.genesis
    const { party, name } = company
    const request = signStatement({ ledger, type: keyRequestTypes.first, party, name, roles: [] }, signer)
    const body = JSON.stringify({ type: 'party.register@1', key: `register ${kidOf(signer.tagged)}`, request })
    const headers = { 'content-type': 'application/json', prefer: 'wait=10' }
    const post = () => fetch(`${this.node(id).home.privateUrl}/v1/records`, { method: 'POST', headers, body })
    // The private listener opens after the public one, and the same again is the same record.
    const isRegistered = async () => [200, 201].includes((await post().catch(() => undefined))?.status ?? 0)
    await until(isRegistered, `${id} registers`, patienceMs)
  }

  // ── who looks ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  async run(...argv: readonly string[]): Promise<Said> {
    const output = new PassThrough()
    const streams = {
      input: new PassThrough(),
      output,
      error: new PassThrough().resume(),
    } as unknown as TerminalStreams
    const code = await runCommand([...argv, '--json'], { LANG: 'en_GB.UTF-8' }, streams)
    return { code, json: JSON.parse((output.read() as Buffer).toString()) as Said['json'] }
  }

  /** The ledger as Wuhan's node serves it now. */
  async export(name: string): Promise<string> {
    const { code, json } = await this.run('export', 'ledger', this.url(cheat), this.file(name))
    if (code !== 0) throw new Error(JSON.stringify(json))
    return this.file(name)
  }

  readonly sizeOf = sizeOf

  until(condition: () => Promise<boolean>, what: string): Promise<void> {
    return until(condition, what, patienceMs)
  }

  /** Wuhan's server shows what lies in this directory; the auditor compares it with what the other members serve. */
  async judge(shown: string | undefined, state?: string): Promise<Judgement> {
    this.server.directory = shown ?? ''
    const honest = ['guangzhou', 'beijing'].map((id) => this.url(id))
    const sources = shown === undefined ? honest : [this.forgedUrl, ...honest]
    const directory = state ?? this.file(`audit-${++this.#audits}`)
    const genesis = this.file('genesis.json')
    const audited = (await this.run('audit', ...sources, '--genesis', genesis, '--state', directory, '--every-block'))
      .json as unknown as AuditJson
    const convicted: string[] = []
    for (const proof of audited.proofs) {
      const { code, json } = await this.run('fault', 'verify', proof, '--genesis', genesis)
      if (code === 0) convicted.push(`${(json.member as { id: string } | null)?.id} ${json.kind}`)
    }
    const place = (source: string): string => (source === this.forgedUrl ? cheat : 'another')
    return {
      audit: audited.verdict,
      findings: unique(audited.findings.map(({ code, source }) => `${code} ${place(source)}`)),
      named: unique(
        audited.findings.flatMap(({ accused = [] }) =>
          accused.map(({ member, kind }) => (kind === undefined ? member : `${member} ${kind}`)),
        ),
      ),
      convicted: unique(convicted),
    }
  }

  /** Whether everything recorded so far is proved by the other members to whoever holds the genesis. */
  async allStands(): Promise<boolean> {
    const policy = memberPolicy(this.genesis)
    const client = this.client('guangzhou')
    for (const id of this.recorded) {
      const found = await client.record(id)
      if (found.kind !== 'record') return false
      const { index } = found.record
      const [proofFile, entry] = [await client.proofFile(index), await client.entry(index)]
      if (String(verifyProofFile({ policy, proofFile, entry }).index) !== index) return false
    }
    return true
  }
}

const unique = (list: readonly string[]): readonly string[] => [...new Set(list)].sort()

export function signerFrom(seed: Uint8Array): StatementSigner {
  return { tagged: taggedEd25519(ed25519PublicKey(seed)), sign: (message) => ed25519Sign(seed, message) }
}

const documentFields = {
  subject: 'document',
  hash: { algorithm: 'sha256', value: 'c0'.repeat(32) },
  mediaType: 'application/pdf',
  source: {
    system: '演示',
    operator: 'role:演示员',
    method: '自动生成',
    software: 'demo:cheat',
    occurredAt: '2026-11-22T10:00:00+08:00',
  },
}
