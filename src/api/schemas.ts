/**
 * JSON Schemas of bodies and answers, for the OpenAPI document (3.1, so plain JSON Schema 2020-12). They describe; they do not guard:
 * bodies are read strictly by the routes, and tests hold every answer against its schema here. Clients should pass over members they do
 * not know, so nothing is closed with additionalProperties.
 */
import type { JsonObject } from '../chain/json.ts'

const text = (description?: string): JsonObject => ({ type: 'string', ...(description ? { description } : {}) })
const textOrNull = (description?: string): JsonObject => ({
  type: ['string', 'null'],
  ...(description ? { description } : {}),
})
const u64 = (description?: string): JsonObject => ({
  type: 'string',
  pattern: '^(0|[1-9][0-9]{0,19})$',
  ...(description ? { description } : {}),
})
const u64OrNull: JsonObject = { type: ['string', 'null'], pattern: '^(0|[1-9][0-9]{0,19})$' }
const count = (): JsonObject => ({ type: 'integer', minimum: 0 })
const time = (description = '北京时间，RFC 3339 · Beijing time'): JsonObject => ({
  type: 'string',
  format: 'date-time',
  description,
})
const timeOrNull: JsonObject = { type: ['string', 'null'], format: 'date-time' }
const base64 = (description: string): JsonObject => ({ type: 'string', contentEncoding: 'base64', description })
const hex = (description: string): JsonObject => ({ type: 'string', pattern: '^[0-9a-f]{64}$', description })
const hexOrNull: JsonObject = { type: ['string', 'null'], pattern: '^[0-9a-f]{64}$' }
const list = (items: JsonObject): JsonObject => ({ type: 'array', items })
const enumeration = (...values: readonly (string | null)[]): JsonObject => ({ enum: values })
const ref = (name: SchemaName): JsonObject => ({ $ref: `${name}#` })

/** All properties are required but those named. */
const object = (properties: JsonObject, ...optional: readonly string[]): JsonObject => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
})

const statuses = ['accepted', 'replicated', 'attested'] as const
const standing = enumeration('agreed', 'unilateral', null)

const recordProperties: JsonObject = {
  index: u64('条目编号 · leaf index in the tree'),
  kind: enumeration('record', 'refusal', 'system', 'genesis'),
  type: text('记录类型与版本 · type and version, `bid.record@1`'),
  status: enumeration(...statuses),
  statementId: hexOrNull,
  member: textOrNull('接收该报文的成员 · member that received it'),
  receivedAt: timeOrNull,
  height: u64('区块高度 · block height'),
  term: u64(),
  blockTime: time('区块时间（北京时间） · block time'),
  party: textOrNull('签署主体 · signing party'),
  keyStanding: { ...standing, description: '签名密钥：agreed 或 unilateral（单方登记） · standing of the signing key' },
}

const payload: JsonObject = { type: 'object', description: '报文内容，与签署时一致 · the payload as it was signed' }
const entry = base64('条目字节（叶子），与入账时一致 · the stored bytes of the leaf')

const pathProperties: JsonObject = {
  index: u64(),
  size: u64('快照的树大小 · tree size of the checkpoint'),
  leafHash: base64('SHA-256(00 ‖ entry)'),
  path: list(base64('兄弟节点哈希，自叶子起 · sibling hashes, the leaf’s first')),
}

const { term: _term, kind: _kind, ...timelineProperties } = recordProperties
const findingProperties: JsonObject = {
  code: text('预警代码，见 docs/catalogue.zh.md · code of the finding, see docs/catalogue.md'),
  title: text(),
  cause: text(),
  values: list(text()),
}
const finding = object(findingProperties)
const tallyProperties: JsonObject = { count: count(), amount: text(), paid: text() }
const instanceProperties: JsonObject = {
  state: text(),
  stateTitle: text('状态名称 · its name in the language of the answer'),
  since: time('进入该状态的时间 · when it came into this state'),
  at: time('此答案所指的时间 · the time this is about'),
  index: u64('最近一次变更的记录 · of the last record that changed it'),
  changedAt: time(),
  revision: count(),
  fields: { type: 'object', description: '各字段；金额为元 · its fields; amounts in the unit of the currency' },
}
const instance = object(instanceProperties)

const certificate = text(
  '多签凭证：账本快照、一行日志签名、q 行共签（C2SP signed note） · checkpoint with log line and cosignatures',
)

const named = {
  AsOf: object({ size: u64(), root: base64('树根 · tree root'), height: u64() }),
  Receipt: object({
    statement: hex('statement id'),
    ledger: hex('ledger id'),
    member: text(),
    node: text(),
    receivedAt: time(),
    attestedSize: u64('收到时已共证的树大小 · attested tree size when it was received'),
    by: time('最迟入账的区块时间 · in a block not later than this, or refused by a record'),
    epoch: u64('届 · of the members then'),
    signature: base64('节点 seal 密钥的签名 · signature of the node’s seal key'),
  }),
  RecordRow: object({ ...recordProperties, payload }),
  Record: object({ ...recordProperties, payload, entry, asOf: { $ref: 'AsOf#' } }),
  RecordList: object({
    records: list({ $ref: 'RecordRow#' }),
    nextCursor: textOrNull('下一页的 cursor，末页为 null · for the next page, null at the end'),
    asOf: { $ref: 'AsOf#' },
  }),
  Instance: instance,
  Dossier: object({
    subject: text('标的标识 · what the lifecycle calls it'),
    instance: { oneOf: [{ $ref: 'Instance#' }, { type: 'null' }] },
    timeline: list(object({ ...timelineProperties, payload, findings: list(finding) })),
    nextCursor: textOrNull('下一页的 cursor，末页为 null · for the next page, null at the end'),
    asOf: { $ref: 'AsOf#' },
  }),
  Box: object({
    subject: text(),
    instance: { $ref: 'Instance#' },
    closes: list(
      object({
        member: text(),
        round: count(),
        count: count(),
        root: hex('标段根 · root of the section'),
        index: count(),
      }),
    ),
    tally: {
      oneOf: [
        object({ leaves: count(), bids: count(), replaced: count(), withdrawn: count(), notRevealed: count() }),
        { type: 'null' },
      ],
      description: '首次封标之前为 null · null before the first close',
    },
    asOf: { $ref: 'AsOf#' },
  }),
  BidReceiptFile: object({
    bidReceipt: object({
      ledger: hex('账本标识 · ledger id'),
      epoch: count(),
      member: text(),
      node: text(),
      tender: object({ owner: text(), scheme: text(), code: text() }),
      section: text(),
      leaf: hex('叶 · leaf'),
      receivedAt: count(),
      round: count(),
      signature: text('节点封装密钥的签名，十六进制 · by the node’s seal key, in hex'),
    }),
  }),
  BoxList: object({
    member: text(),
    tender: object({ owner: text(), scheme: text(), code: text() }),
    section: text(),
    leaves: list(object({ leaf: hex('叶 · leaf'), receivedAt: count() })),
  }),
  Place: object({
    member: text(),
    receivedAt: count(),
    index: count(),
    path: list(hex('兄弟节点哈希 · sibling hash')),
  }),
  Guarantee: object({
    subject: text(),
    state: textOrNull('bound、revealed、claimed … · of its one use, or its own'),
    stateTitle: textOrNull(),
    instance: { oneOf: [{ $ref: 'Instance#' }, { type: 'null' }] },
    application: { oneOf: [{ $ref: 'Instance#' }, { type: 'null' }] },
    uses: list(
      object({
        ...instanceProperties,
        tender: object({ owner: text(), scheme: text(), code: text() }),
        section: text('标段，无则为空 · empty when the tender has only itself'),
      }),
    ),
    timeline: list(object({ ...timelineProperties, payload, findings: list(finding) })),
    nextCursor: textOrNull(),
    asOf: { $ref: 'AsOf#' },
  }),
  TenderGuaranteeList: object({
    guarantees: list(
      object({
        issuer: text(),
        number: text(),
        section: text(),
        bidder: text(),
        state: text(),
        stateTitle: text(),
        currency: text(),
        amount: text('十进制，单位为币种本位 · decimal, in the unit of the currency'),
        paid: text(),
        end: time(),
        since: time(),
        index: u64(),
      }),
    ),
    nextCursor: textOrNull(),
    asOf: { $ref: 'AsOf#' },
  }),
  GuaranteeStatistics: object({
    statistics: list(
      object({
        currency: text(),
        all: object(tallyProperties),
        byState: list(object({ ...tallyProperties, state: text(), stateTitle: text() })),
        byIssuer: list(object({ ...tallyProperties, issuer: text() })),
      }),
    ),
    asOf: { $ref: 'AsOf#' },
  }),
  CreditList: object({
    decisions: list(
      object({
        authority: text(),
        number: text(),
        kind: text(),
        level: text(),
        measures: text(),
        regions: text('适用地区，空为全国 · empty: everywhere'),
        state: text(),
        stateTitle: text(),
        beginsAt: time(),
        endsAt: timeOrNull,
        index: u64(),
      }),
    ),
    nextCursor: textOrNull(),
    asOf: { $ref: 'AsOf#' },
  }),
  TenderList: object({
    tenders: list(
      object({
        owner: text(),
        scheme: text(),
        code: text(),
        firstIndex: u64('首条提及它的记录 · of the first record that names it'),
        instance: { oneOf: [{ $ref: 'Instance#' }, { type: 'null' }] },
      }),
    ),
    nextCursor: textOrNull(),
    asOf: { $ref: 'AsOf#' },
  }),
  FindingList: object({
    findings: list(
      object({
        ...findingProperties,
        index: u64(),
        type: text(),
        party: textOrNull(),
        owner: textOrNull(),
        tender: textOrNull(),
        region: textOrNull(),
        member: textOrNull(),
        blockTime: time(),
        statementId: hexOrNull,
      }),
    ),
    nextCursor: textOrNull(),
    asOf: { $ref: 'AsOf#' },
  }),
  Attested: object({
    ...recordProperties,
    statementId: hex('statement id'),
    entry,
    proof: object(pathProperties),
    certificate,
    receipt: { oneOf: [{ $ref: 'Receipt#' }, { type: 'null' }] },
    duplicate: { type: 'boolean', description: '此前已在账本中 · was on the ledger before' },
  }),
  Pending: object({
    statementId: hex('statement id'),
    status: enumeration('accepted', 'replicated'),
    receipt: { $ref: 'Receipt#' },
  }),
  Proof: object({
    ...pathProperties,
    certificate,
    proofFile: text('同样内容的 .tlog-proof 文件 · the same as a C2SP tlog-proof file'),
  }),
  Problem: object(
    {
      type: text('问题说明的地址 · where the words for the code are'),
      title: text(),
      status: { type: 'integer' },
      detail: text(),
      code: text('稳定代码，见 docs/errors.md · stable code'),
      cause: text(),
      remedy: text('怎么办 · what to do'),
      fields: list(
        object({ pointer: text('JSON pointer'), parameter: text(), problem: text() }, 'pointer', 'parameter'),
      ),
      requestId: text(),
      index: u64('拒绝记录的编号 · index of the refusal record'),
      receipt: { oneOf: [{ $ref: 'Receipt#' }, { type: 'null' }] },
      bytesMax: count(),
      hindrances: list({ $ref: 'Hindrance#' }),
    },
    'detail',
    'fields',
    'index',
    'receipt',
    'bytesMax',
    'hindrances',
  ),
  BatchResult: object(
    {
      status: { type: 'integer', description: '单独提交时的 HTTP 状态 · the status it would have had alone' },
      record: { $ref: 'Attested#' },
      pending: { $ref: 'Pending#' },
      problem: { $ref: 'Problem#' },
    },
    'record',
    'pending',
    'problem',
  ),
  Batch: object({ results: list({ $ref: 'BatchResult#' }) }),
  Consistency: object({ from: u64(), to: u64(), path: list(base64('RFC 9162 §2.1.4')) }),
  Block: object({
    height: u64(),
    id: text(),
    parent: text(),
    term: u64(),
    epoch: u64(),
    leader: text(),
    time: time(),
    size: u64(),
    root: text(),
    firstIndex: u64(),
    recordCount: count(),
    batches: list(object({ member: text(), hash: text(), items: count() })),
    bytes: base64('区块字节（确定性 CBOR） · the block’s own bytes'),
  }),
  Members: object({
    epoch: u64('届次 · number of the epoch'),
    members: list(
      object({
        id: text(),
        name: text(),
        region: text('GB/T 2260'),
        party: text(),
        node: text(),
        logKey: text('C2SP vkey'),
        cosignKey: text('C2SP vkey'),
        sealKey: text('kid'),
      }),
    ),
    asOf: { $ref: 'AsOf#' },
  }),
  Epochs: object({
    epochs: list(
      object({
        number: u64(),
        begunBy: enumeration('genesis', 'closing', 'refounding'),
        height: u64('其所接续的区块 · of the block on which it builds'),
        size: u64('更大的快照由其成员共签 · larger trees are attested by its members'),
        root: text(),
        members: list(text()),
        quorum: count(),
      }),
    ),
  }),
  Faults: object({
    faults: list(
      object({
        kid: text(),
        member: text(),
        kind: text('two-votes, two-seals, …'),
        title: object({ zh: text(), en: text() }),
        detail: text(),
        reportedIn: { type: ['string', 'null'], description: '报告的条目编号 · index of the report' },
      }),
    ),
  }),
  Party: object({
    id: text(),
    names: list(object({ name: text(), vouchedBy: text() })),
    keys: list(
      object({
        kid: text(),
        roles: list(text()),
        standing: enumeration('agreed', 'unilateral'),
        scope: list(text()),
        vouchedBy: list(text()),
        notBefore: timeOrNull,
        notAfter: timeOrNull,
        index: u64(),
        status: enumeration('active', 'not-yet', 'expired', 'revoked'),
        endsAt: timeOrNull,
        endedBy: u64OrNull,
        successor: textOrNull('接替的密钥 · kid of the key that took its place'),
        delegator: textOrNull('授权密钥 · kid of the key that delegated to it'),
        types: { oneOf: [list(text()), { type: 'null' }] },
      }),
    ),
    at: time(),
    asOf: { $ref: 'AsOf#' },
  }),
  VerifyItem: {
    ...object(
      {
        hash: {
          type: 'string',
          pattern: '^[0-9A-Fa-f]{64}$',
          description: '文件或数据的哈希 · of a document or datum',
        },
        algorithm: { enum: ['sha256', 'sm3'], description: '默认 sha256 · sha256 if left out' },
        tender: text('招标项目编号 · code of a tender'),
        owner: text('所属主体，与 scheme 同时填写 · its owner, together with scheme'),
        scheme: text('编码体系 · code scheme'),
        guarantee: text('保函编号 · number of a guarantee'),
        issuer: text('保函出具人 · its issuer'),
        statement: { type: 'string', pattern: '^[0-9A-Fa-f]{64}$', description: '报文标识 · statement id' },
        record: text('只与此记录核对：条目编号或报文标识 · compare with this record only: index or statement id'),
      },
      'hash',
      'algorithm',
      'tender',
      'owner',
      'scheme',
      'guarantee',
      'issuer',
      'statement',
      'record',
    ),
    description: 'hash、tender、guarantee、statement 恰有其一 · exactly one of the four',
  },
  Verification: object({
    item: { $ref: 'VerifyItem#' },
    result: {
      ...enumeration('match', 'pending', 'mismatch'),
      description: 'pending：在账本上，尚未共证 · on the ledger, not attested yet',
    },
    reason: enumeration('not-on-ledger', 'not-in-record', 'no-such-record', null),
    places: list(
      object({
        index: u64('条目编号 · index'),
        statementId: hexOrNull,
        type: text(),
        status: enumeration(...statuses),
        blockTime: time(),
        height: u64(),
        fields: list(text('JSON pointer')),
      }),
    ),
    more: { type: 'boolean', description: '还有更多记录 · more records carry it than are shown' },
  }),
  Verifications: object({ results: list({ $ref: 'Verification#' }), asOf: { $ref: 'AsOf#' } }),
  Hindrance: object({ code: text(), title: text(), remedy: text() }),
  Status: object({
    ledger: hex('ledger id'),
    name: text(),
    origin: text(),
    fingerprint: text('创世指纹 · fingerprint of the genesis'),
    member: text(),
    node: text(),
    incarnation: u64(),
    version: text(),
    role: enumeration('leader', 'follower', 'candidate', 'recovering', 'starting'),
    leader: textOrNull(),
    term: u64(),
    height: u64(),
    replicatedSize: u64(),
    attestedSize: u64(),
    attestedRoot: text(),
    attestedAt: timeOrNull,
    pendingStatements: count(),
    quorum: object({ members: count(), needed: count(), connected: count(), missing: count() }),
    peers: list(object({ member: text(), connected: { type: 'boolean' }, incarnation: u64OrNull })),
    scheduled: list(object({ name: text(), from: u64(), known: { type: 'boolean' } })),
    hindrances: list({ $ref: 'Hindrance#' }),
    time: time(),
  }),
  Types: object({
    types: list(
      object({
        name: text(),
        from: u64('自此高度起生效，0 为创世 · in force from this height on; 0 is the genesis'),
        inForce: { type: 'boolean' },
        schema: {
          type: ['object', 'null'],
          description: 'null：本节点软件不认识 · this node’s software does not know it',
        },
      }),
    ),
  }),
  Readiness: object({ ready: { const: true }, hindrances: list({ $ref: 'Hindrance#' }) }),
  Health: object({ status: { const: 'ok' } }),
} as const satisfies Record<string, JsonObject>

export type SchemaName = keyof typeof named

/** For `addSchema`: each under its name as `$id`. */
export const namedSchemas: readonly JsonObject[] = Object.entries(named).map(([name, schema]) => ({
  $id: name,
  ...schema,
}))

/** A JSON answer in a route's `response`. */
export const answers = (name: SchemaName, description: string): JsonObject => ({
  description,
  content: { 'application/json': { schema: ref(name) } },
})

/** An answer that is not JSON, beside or instead of one. */
export const media = (description: string, types: Readonly<Record<string, JsonObject>>): JsonObject => ({
  description,
  content: Object.fromEntries(Object.entries(types).map(([type, schema]) => [type, { schema }])),
})

export const binary: JsonObject = { type: 'string', format: 'binary' }
export const plainText: JsonObject = { type: 'string' }
export const jsonOf = ref

/** `default` of every route: any status that is not listed carries a problem. */
export const problemAnswer: JsonObject = {
  description: '问题说明（RFC 9457），代码见 docs/errors.md · problem document, codes in docs/errors.md',
  content: { 'application/problem+json': { schema: ref('Problem') } },
}

export const statementBody: JsonObject = {
  content: {
    'application/json': { schema: object({ statement: text('紧凑 JWS · compact JWS') }) },
    'application/jose': { schema: text('紧凑 JWS · compact JWS') },
  },
}

export const depositBody: JsonObject = {
  content: {
    'application/json': {
      schema: object(
        {
          tender: object({ owner: text(), scheme: text(), code: text() }),
          section: text('项目只有一个标段时不写 · absent when the tender has only itself'),
          leaf: hex('叶 · leaf'),
        },
        'section',
      ),
    },
  },
}

export const batchBody = (statementsMax: number): JsonObject => ({
  content: {
    'application/json': {
      schema: object({
        statements: { type: 'array', minItems: 1, maxItems: statementsMax, items: text('紧凑 JWS · compact JWS') },
      }),
    },
  },
})

export const verifyBody = (itemsMax: number): JsonObject => ({
  content: {
    'application/json': {
      schema: object({ items: { type: 'array', minItems: 1, maxItems: itemsMax, items: ref('VerifyItem') } }),
    },
    'text/csv': {
      schema: text('表头为字段名，每行一项 · the head row has the names of the members, each row is an item'),
    },
  },
})

const plainProperties: JsonObject = {
  type: text('记录类型与版本 · type and version'),
  key: text('幂等键（DATA_KEY） · idempotency key'),
}

export const plainBody: JsonObject = {
  content: {
    'application/json': {
      schema: {
        ...object(plainProperties),
        description: '其余字段按记录类型，与 type、key 并列 · the type’s own fields stand beside type and key',
        additionalProperties: true,
      },
    },
  },
}

export const plainBatchBody = (recordsMax: number): JsonObject => ({
  content: {
    'application/json': {
      schema: object({
        records: {
          type: 'array',
          minItems: 1,
          maxItems: recordsMax,
          items: { ...object(plainProperties), additionalProperties: true },
        },
      }),
    },
  },
})
