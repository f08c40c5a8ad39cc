/**
 * The typed client of a member's API: works wherever `fetch` does (Node, browsers) and imports nothing but types. Every call gives the
 * answer or throws: a `ProblemError` when the member said no, a `ConnectionError` when nobody answered. Submitting is safe to repeat —
 * the ledger knows a statement by its content — so a submission whose outcome is unknown is simply sent again. What it does not do:
 * verify. Proofs are worth checking with `gongzheng/verify`, not with the member that made them.
 */
import type {
  AttestedAnswer,
  BatchAnswer,
  BlockAnswer,
  ConsistencyAnswer,
  EpochsAnswer,
  MembersAnswer,
  PartyAnswer,
  PendingAnswer,
  ProblemAnswer,
  ProofAnswer,
  RecordAnswer,
  RecordListAnswer,
  RecordRow,
  StatusAnswer,
  TypesAnswer,
  VerificationsAnswer,
  VerifyItem,
} from '../answers.ts'
import type { BidReceiptAnswer, BoxListAnswer, PlaceAnswer } from '../box-answers.ts'
import type {
  DossierAnswer,
  FindingListAnswer,
  FindingRow,
  GuaranteeAnswer,
  GuaranteeStatisticsAnswer,
  TenderListAnswer,
} from '../trade-answers.ts'

/** A section of a tender; empty when the tender has only itself. */
export interface SectionName {
  readonly tender: { readonly owner: string; readonly scheme: string; readonly code: string }
  readonly section: string
}

export interface ClientOptions {
  /** `http://127.0.0.1:8440` */
  readonly url: string
  /** Language of problems; default zh-CN. */
  readonly language?: 'zh-CN' | 'en'
  /** How often a call is tried in all when nobody answers or the member is busy (default 5). */
  readonly attemptsMax?: number
  /** Pause before the second attempt, doubled each time; a Retry-After counts instead where it is given (default 200 ms). */
  readonly pauseMs?: number
  /** Without an answer for so long, a call counts as not answered (default 90 s: longer than any `wait`). */
  readonly timeoutMs?: number
}

export interface ClientDependencies {
  readonly fetch?: typeof fetch
}

export interface CallOptions {
  readonly signal?: AbortSignal
}

export interface SubmitCallOptions extends CallOptions {
  /** Seconds to wait for attestation; 0: answer once the receipt is durable. Default: the member's. */
  readonly waitSeconds?: number
}

/** How a submission ended well: attested, or taken in with a receipt. */
export type Submitted =
  | { readonly kind: 'attested'; readonly record: AttestedAnswer }
  | { readonly kind: 'pending'; readonly pending: PendingAnswer }

/** Where a record stands; `pending` and a record that is not attested yet are not final. */
export type Found =
  | { readonly kind: 'record'; readonly record: RecordAnswer }
  | { readonly kind: 'pending'; readonly pending: PendingAnswer }

export interface ListFilter {
  readonly type?: string
  readonly owner?: string
  readonly tender?: string
  readonly party?: string
  readonly member?: string
  readonly region?: string
  /** What a lifecycle calls it: `tender/<owner>/<scheme>/<code>`. */
  readonly subject?: string
  /** Of the key that signed. */
  readonly kid?: string
  /** `sha256:…` or `sm3:…`, of a document that the record names. */
  readonly hash?: string
  /** Code of a finding. */
  readonly finding?: string
  /** RFC 3339 with offset: from ≤ block time < to. */
  readonly from?: string
  readonly to?: string
  readonly system?: boolean
}

export interface FindingFilter {
  readonly code?: string
  /** GB/T 2260, or its first two or four digits. */
  readonly region?: string
  readonly type?: string
  readonly owner?: string
  readonly tender?: string
  readonly party?: string
  /** RFC 3339 with offset: from ≤ block time < to. */
  readonly from?: string
  readonly to?: string
}

export interface DossierOptions extends CallOptions {
  /** RFC 3339 with offset; without it, now. */
  readonly at?: string
  readonly cursor?: string
  readonly pageRows?: number
}

/** The member said no: a problem document (RFC 9457). `problem.code` is stable; the words are for people. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly problem: ProblemAnswer

  constructor(problem: ProblemAnswer) {
    super(`${problem.title} (${problem.code})${problem.detail === undefined ? '' : `: ${problem.detail}`}`)
    this.problem = problem
  }

  get code(): string {
    return this.problem.code
  }

  get status(): number {
    return this.problem.status
  }
}

/** Nobody answered, or what answered is no member of this API. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
}

export class Client {
  readonly #options: Required<ClientOptions>
  readonly #fetch: typeof fetch

  constructor(options: ClientOptions, dependencies: ClientDependencies = {}) {
    this.#options = {
      language: 'zh-CN',
      attemptsMax: 5,
      pauseMs: 200,
      timeoutMs: 90_000,
      ...options,
      url: options.url.replace(/\/+$/, ''),
    }
    // Bound, because a browser's fetch refuses to be called as somebody's method.
    this.#fetch = dependencies.fetch ?? globalThis.fetch.bind(globalThis)
  }

  /** Submits a signed statement (compact JWS). @throws {ProblemError} when it is refused, before or by the ledger */
  async submit(statement: string, options: SubmitCallOptions = {}): Promise<Submitted> {
    return this.#call('/v1/records', { ...options, json: { statement } }, async (response) =>
      response.status === 202
        ? { kind: 'pending', pending: (await response.json()) as PendingAnswer }
        : { kind: 'attested', record: (await response.json()) as AttestedAnswer },
    )
  }

  /** Submits many; one result each, in order. Only what concerns the whole batch throws. */
  async submitBatch(statements: readonly string[], options: SubmitCallOptions = {}): Promise<BatchAnswer> {
    return this.#call('/v1/records/batch', { ...options, json: { statements } }, asJson<BatchAnswer>)
  }

  /**
   * Asks until the record is attested.
   * @throws {ProblemError} when the ledger refused it, or the member does not know it
   * @throws {ConnectionError} when `options.signal` or `timeoutMs` ends it first
   */
  async untilAttested(id: string, options: CallOptions & { readonly timeoutMs?: number } = {}): Promise<RecordAnswer> {
    const { timeoutMs = 60_000 } = options
    const signal = anySignal(options.signal, AbortSignal.timeout(timeoutMs))
    for (let pauseMs = this.#options.pauseMs; ; pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
      const found = await this.record(id, { signal })
      if (found.kind === 'record' && found.record.status === 'attested') return found.record
      await pause(pauseMs, signal)
    }
  }

  /** By index or statement id. @throws {ProblemError} `record.not-found`; 422 with a rule's code when the ledger refused it */
  async record(id: string, options: CallOptions = {}): Promise<Found> {
    const answer = await this.#call(
      `/v1/records/${encodeURIComponent(id)}`,
      options,
      asJson<RecordAnswer | PendingAnswer>,
    )
    return 'index' in answer ? { kind: 'record', record: answer } : { kind: 'pending', pending: answer }
  }

  /** The stored bytes of an attested record. */
  async entry(id: string, options: CallOptions = {}): Promise<Uint8Array> {
    return this.#call(`/v1/records/${encodeURIComponent(id)}?format=entry`, options, asBytes)
  }

  async proof(id: string, options: CallOptions & { readonly size?: string } = {}): Promise<ProofAnswer> {
    return this.#call(
      `/v1/records/${encodeURIComponent(id)}/proof${queryOf({ size: options.size })}`,
      options,
      asJson<ProofAnswer>,
    )
  }

  /** The text of a `.tlog-proof` file. */
  async proofFile(id: string, options: CallOptions = {}): Promise<string> {
    return this.#call(`/v1/records/${encodeURIComponent(id)}/proof?format=tlog-proof`, options, asText)
  }

  /** All records that match, page by page as they are consumed. */
  async *list(
    filter: ListFilter = {},
    options: CallOptions & { readonly pageRows?: number } = {},
  ): AsyncGenerator<RecordRow, void, void> {
    let cursor: string | undefined
    do {
      const page = await this.listPage(filter, { ...options, ...(cursor === undefined ? {} : { cursor }) })
      yield* page.records
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
  }

  async listPage(
    filter: ListFilter = {},
    options: CallOptions & { readonly cursor?: string; readonly pageRows?: number } = {},
  ): Promise<RecordListAnswer> {
    const { system, ...texts } = filter
    const query = queryOf({
      ...texts,
      system: system === undefined ? undefined : String(system),
      cursor: options.cursor,
      limit: options.pageRows === undefined ? undefined : String(options.pageRows),
    })
    return this.#call(`/v1/records${query}`, options, asJson<RecordListAnswer>)
  }

  /** Whether each of these is on the ledger, and where; as the member says it. One answer for each, in order. */
  async verify(items: readonly VerifyItem[], options: CallOptions = {}): Promise<VerificationsAnswer> {
    return this.#call('/v1/verify', { ...options, json: { items } }, asJson<VerificationsAnswer>)
  }

  async consistency(from: string, to: string, options: CallOptions = {}): Promise<ConsistencyAnswer> {
    return this.#call(`/v1/proofs/consistency${queryOf({ from, to })}`, options, asJson<ConsistencyAnswer>)
  }

  /** The newest attested checkpoint, a signed note; with at most so many cosignature lines, or as many as the member shows. */
  async checkpoint(options: CallOptions & { readonly cosignatures?: number } = {}): Promise<string> {
    const { cosignatures, ...call } = options
    const query = queryOf({ cosignatures: cosignatures === undefined ? undefined : String(cosignatures) })
    return this.#call(`/checkpoint${query}`, call, asText)
  }

  /** A path as chain/tile.ts spells it: `tile/0/000`, `tile/entries/000.p/5`. */
  async tile(path: string, options: CallOptions = {}): Promise<Uint8Array> {
    return this.#call(`/${path}`, options, asBytes)
  }

  async block(height: string, options: CallOptions = {}): Promise<BlockAnswer> {
    return this.#call(`/v1/blocks/${encodeURIComponent(height)}`, options, asJson<BlockAnswer>)
  }

  /** Of the newest epoch, or of the one with this number. */
  async members({ epoch, ...call }: CallOptions & { readonly epoch?: number } = {}): Promise<MembersAnswer> {
    return this.#call(`/v1/members${queryOf({ epoch: spelled(epoch) })}`, call, asJson<MembersAnswer>)
  }

  /** Every set of members that the ledger has had. */
  async epochs(options: CallOptions = {}): Promise<EpochsAnswer> {
    return this.#call('/v1/epochs', options, asJson<EpochsAnswer>)
  }

  /** What proves the epoch of this number to whoever knows the one before: chain/membership.ts checks it. */
  async epochProof(number: number, options: CallOptions = {}): Promise<Uint8Array> {
    return this.#call(`/v1/epochs/${number}/proof`, options, asBytes)
  }

  async party(id: string, options: CallOptions = {}): Promise<PartyAnswer> {
    return this.#call(`/v1/parties/${encodeURIComponent(id)}`, options, asJson<PartyAnswer>)
  }

  /** One page of the tenders of any owner and scheme that go by this code. */
  async tendersOf(
    code: string,
    { cursor, pageRows, ...call }: CallOptions & Pick<DossierOptions, 'cursor' | 'pageRows'> = {},
  ): Promise<TenderListAnswer> {
    const query = queryOf({ code, cursor, limit: pageRows === undefined ? undefined : String(pageRows) })
    return this.#call(`/v1/tenders${query}`, call, asJson<TenderListAnswer>)
  }

  /** Where a tender stands, and its timeline. */
  async tender(owner: string, scheme: string, code: string, options: DossierOptions = {}): Promise<DossierAnswer> {
    return this.#dossier(pathOf('tenders', owner, scheme, code), options)
  }

  async guarantee(issuer: string, number: string, options: DossierOptions = {}): Promise<GuaranteeAnswer> {
    // A dossier with more in it.
    return (await this.#dossier(pathOf('guarantees', issuer, number), options)) as GuaranteeAnswer
  }

  /** How many guarantees there are in a tender, by state and issuer, and for how much. */
  async tenderGuarantees(
    owner: string,
    scheme: string,
    code: string,
    { at, ...call }: CallOptions & { readonly at?: string } = {},
  ): Promise<GuaranteeStatisticsAnswer> {
    const path = `${pathOf('tenders', owner, scheme, code)}/guarantees/statistics${queryOf({ at })}`
    return this.#call(path, call, asJson<GuaranteeStatisticsAnswer>)
  }

  /** Anything that has a lifecycle, by the name that the lifecycle gives it: `auction/<owner>/<scheme>/<code>`. */
  async subject(name: string, options: DossierOptions = {}): Promise<DossierAnswer> {
    return this.#dossier(pathOf('subjects', name), options)
  }

  #dossier(path: string, { at, cursor, pageRows, ...call }: DossierOptions): Promise<DossierAnswer> {
    const limit = pageRows === undefined ? undefined : String(pageRows)
    return this.#call(path + queryOf({ at, cursor, limit }), call, asJson<DossierAnswer>)
  }

  /** Every finding that matches, page after page. */
  async *findings(filter: FindingFilter = {}, options: CallOptions = {}): AsyncGenerator<FindingRow> {
    let cursor: string | undefined
    do {
      const query = queryOf({ ...filter, cursor })
      const page = await this.#call(`/v1/findings${query}`, options, asJson<FindingListAnswer>)
      yield* page.findings
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
  }

  /** Hands in the leaf of a sealed bid; the same leaf again gives the same receipt. */
  async handIn(
    { tender: { owner, scheme, code }, section }: SectionName,
    leaf: string,
    options: CallOptions = {},
  ): Promise<BidReceiptAnswer> {
    const json = { tender: { owner, scheme, code }, ...(section === '' ? {} : { section }), leaf }
    return this.#call('/v1/boxes/leaves', { ...options, json }, asJson<BidReceiptAnswer>)
  }

  /** Where a leaf stands in what this member closed over. */
  async boxLeaf(at: SectionName, leaf: string, options: CallOptions = {}): Promise<PlaceAnswer> {
    return this.#call(boxPath(at, `/leaves/${leaf}`), options, asJson<PlaceAnswer>)
  }

  /** All leaves that this member closed over. */
  async boxLeaves(at: SectionName, options: CallOptions = {}): Promise<BoxListAnswer> {
    return this.#call(boxPath(at, '/leaves'), options, asJson<BoxListAnswer>)
  }

  async types(options: CallOptions = {}): Promise<TypesAnswer> {
    return this.#call('/v1/types', options, asJson<TypesAnswer>)
  }

  async status(options: CallOptions = {}): Promise<StatusAnswer> {
    return this.#call('/v1/status', options, asJson<StatusAnswer>)
  }

  /** The C2SP policy text, of what the member serves now or of the epoch with this number. Worth comparing between members before it is trusted. */
  async policy({
    epoch,
    log,
    ...call
  }: CallOptions & { readonly epoch?: number; readonly log?: string } = {}): Promise<string> {
    return this.#call(`/v1/policy${queryOf({ epoch: spelled(epoch), log })}`, call, asText)
  }

  /** The genesis entry's bytes; their SHA-256 is the ledger id. */
  async genesis(options: CallOptions = {}): Promise<Uint8Array> {
    return this.#call('/v1/genesis', options, asBytes)
  }

  /**
   * One call with its attempts. All calls are safe to repeat: reads by nature, submissions because the same statement is the same
   * record. So whatever looks temporary is tried again, an answer that breaks off included.
   */
  async #call<Value>(
    path: string,
    call: SubmitCallOptions & { readonly json?: unknown },
    read: (response: Response) => Promise<Value>,
  ): Promise<Value> {
    const { url, language, attemptsMax, timeoutMs } = this.#options
    for (let attempt = 1, pauseMs = this.#options.pauseMs; ; attempt++, pauseMs = Math.min(pauseMs * 2, pauseMsMax)) {
      let retryAfter: number | undefined
      try {
        const response = await this.#fetch(url + path, {
          headers: {
            'accept-language': language,
            ...(call.waitSeconds === undefined ? {} : { prefer: `wait=${call.waitSeconds}` }),
            ...(call.json === undefined ? {} : { 'content-type': 'application/json' }),
          },
          ...(call.json === undefined ? {} : { method: 'POST', body: JSON.stringify(call.json) }),
          signal: anySignal(call.signal, AbortSignal.timeout(timeoutMs)),
        })
        if (response.ok) return await read(response)
        const problem = await problemOf(response, url)
        if (attempt >= attemptsMax || !isTemporary(response.status)) throw problem
        retryAfter = retryAfterMs(response)
      } catch (error) {
        if (error instanceof ProblemError || error instanceof ConnectionError) throw error
        if (call.signal?.aborted || attempt >= attemptsMax)
          throw new ConnectionError(`no answer from ${url}`, { cause: error })
      }
      await pause(retryAfter ?? pauseMs, call.signal)
    }
  }
}

const boxPath = ({ tender: { owner, scheme, code }, section }: SectionName, under: string): string =>
  `/v1/boxes/${[owner, scheme, code].map(encodeURIComponent).join('/')}${under}${queryOf({ section: section === '' ? undefined : section })}`

const asJson = <Answer>(response: Response): Promise<Answer> => response.json() as Promise<Answer>
const asText = (response: Response): Promise<string> => response.text()
const asBytes = async (response: Response): Promise<Uint8Array> => new Uint8Array(await response.arrayBuffer())

const isTemporary = (status: number): boolean => status === 429 || status === 502 || status === 503 || status === 504

/** A member that asks for more patience than this is better asked again later by whoever called. */
const pauseMsMax = 10_000

function retryAfterMs(response: Response): number | undefined {
  const seconds = response.headers.get('retry-after')
  return seconds !== null && /^\d{1,6}$/.test(seconds) ? Math.min(Number(seconds) * 1000, pauseMsMax) : undefined
}

async function problemOf(response: Response, url: string): Promise<Error> {
  const text = await response.text()
  if (response.headers.get('content-type')?.startsWith('application/problem+json')) {
    try {
      return new ProblemError(JSON.parse(text) as ProblemAnswer)
    } catch {
      // Cut short or not ours: said below.
    }
  }
  return new ConnectionError(`${url} answered ${response.status} and no problem document: is it a member’s address?`)
}

const pathOf = (...parts: readonly string[]): string => `/v1/${parts.map(encodeURIComponent).join('/')}`

function queryOf(values: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`
}

const spelled = (number: number | undefined): string | undefined => (number === undefined ? undefined : String(number))

const anySignal = (a: AbortSignal | undefined, b: AbortSignal): AbortSignal =>
  a === undefined ? b : AbortSignal.any([a, b])

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer)
      reject(new ConnectionError('given up while waiting', { cause: signal?.reason }))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
}
