/**
 * The catalogue: the record types in force on a ledger — those it was founded with, and those that its members have activated since, each from
 * a height on — and the checks that every statement passes whatever its type — type, fields,
 * whose key, since when, in which role, in whose scope — before the type's own rules. Deterministic: the answer, accepted or the code
 * of the refusal, depends on the statement, the context and the state alone. To add a type: docs/adding-a-type.md.
 */
import { genesisRefusals } from '../genesis.ts'
import { type JsonObject, jsonRefusals } from '../json.ts'
import { epochRefusals } from '../next-members.ts'
import { refoundingRefusals } from '../refounding.ts'
import { Refusal, type RefusalTexts } from '../refusal.ts'
import type { StateReader } from '../state.ts'
import { idempotencyKeyCharactersMax, type Statement, statementRefusals } from '../statement.ts'
import { formatTime } from '../time.ts'
import { families } from './families.ts'
import { refuseFrozen } from './fault-report.ts'
import { openingRefusals } from './opening.ts'
import { personalDataRefusals } from './personal-data.ts'
import { isEnded, isExpired, isInScopeOf, type KeyRow, readKey } from './register.ts'
import { activationTypeName, isActivated, scheduleOf } from './rules.ts'
import { compileSchema, type SchemaCheck, schemaRefusals } from './schema.ts'
import type { Family, LifecycleTable, RuleContext, StatementType } from './statement-type.ts'
import { named, object, partyField, valueRefusals } from './values.ts'

type KnownTypes = ReadonlyMap<string, { readonly family: Family; readonly type: StatementType }>

/** Every type of these families, by `name@version`. */
function typesOf(from: readonly Family[]): KnownTypes {
  let known = knownTypes.get(from)
  if (known === undefined) {
    known = new Map(from.flatMap((family) => family.types.map((type) => [nameOf(type), { family, type }] as const)))
    knownTypes.set(from, known)
  }
  return known
}
const knownTypes = new WeakMap<readonly Family[], KnownTypes>()

/** `name@version` of every type this software knows: what a new ledger is founded with. */
export const knownTypeNames: readonly string[] = Array.from(typesOf(families).keys())

/** A type that the ledger was founded with. */
interface TypeInForce {
  /** `bid.record@1` */
  readonly name: string
  readonly type: StatementType
  readonly family: Family
  /** JSON Schema of the whole payload, common fields included. */
  readonly schema: JsonObject
}

/** A type that is in force at a height, or scheduled for a later one. */
export interface TypeStanding {
  readonly name: string
  /** Undefined when this software does not know the type. */
  readonly schema: JsonObject | undefined
  /** In force for statements in blocks of this height and above. */
  readonly from: number
  /** Index of the record that brought it; 0 is the genesis. */
  readonly index: number
}

/** What this software does not know and will be asked to apply. */
export interface UnknownAhead {
  /** The first height at which it is in force. */
  readonly height: number
  readonly types: readonly string[]
}

export interface Catalogue {
  /** What the ledger was founded with. */
  readonly types: readonly TypeInForce[]
  /** Any type that may be in a record here. Undefined when this software does not know it, or nothing could bring it into force. */
  typeOf(name: string): StatementType | undefined
  /** What is in force or to come, as this state knows it: the founding types first, then in the order in which they were scheduled. */
  standings(state: StateReader): readonly TypeStanding[]
  /** Undefined when this software knows everything that this state has scheduled. */
  unknownAhead(state: StateReader): UnknownAhead | undefined
  /**
   * All rules for one statement: type in force, fields, key, role, scope, then the type's own. Writes nothing.
   * @throws {Refusal}
   */
  check(statement: Statement, context: RuleContext): void
  /** Writes what the record changes, after `check` with the same context. */
  apply(statement: Statement, context: RuleContext): void
  /** The words of every code that this catalogue, the reading of statements, or the founding can refuse with. */
  readonly refusals: RefusalTexts
  /** By name, those of the families that are in force or may come to be. */
  readonly lifecycles: ReadonlyMap<string, LifecycleTable>
  /** The words of every finding; `{0}`, `{1}` in them stand for its values. */
  readonly findings: RefusalTexts
}

/** Codes of the checks in this file. */
const commonRefusals: RefusalTexts = {
  'type.unknown': {
    zh: {
      title: '未知的报文类型',
      cause: '该类型或版本在本账本上未生效。',
      remedy: '请核对 type（如 bid.record@1）；本账本生效的类型见 /v1/types。',
    },
    en: {
      title: 'Unknown type',
      cause: 'This type or version is not in force on this ledger.',
      remedy: 'Check type (like bid.record@1); /v1/types lists the types in force.',
    },
  },
  'key.unknown': {
    zh: {
      title: '密钥未登记',
      cause: '签名密钥未登记到任何主体。',
      remedy: '请先生成密钥申请，由成员中心批准（party.register）。',
    },
    en: {
      title: 'Unknown key',
      cause: 'The signing key is not registered to anybody.',
      remedy: 'Make a key request and have a member centre approve it (party.register).',
    },
  },
  'key.wrong-party': {
    zh: {
      title: '密钥属于其他主体',
      cause: '签名密钥登记的主体与 party 字段不同。',
      remedy: '请将 party 设为密钥登记的主体。',
    },
    en: {
      title: "Another party's key",
      cause: 'The signing key is registered to a party other than the field party names.',
      remedy: 'Set party to the one the key is registered to.',
    },
  },
  'key.not-yet-valid': {
    zh: {
      title: '密钥尚未生效',
      cause: '区块时间早于密钥的生效时间。',
      remedy: '请在生效时间之后提交，或使用其他密钥。',
    },
    en: {
      title: 'Key not yet valid',
      cause: 'Block time is before the key becomes valid.',
      remedy: 'Submit later, or use another key.',
    },
  },
  'key.expired': {
    zh: {
      title: '密钥已过期',
      cause: '区块时间晚于密钥的失效时间。',
      remedy: '请登记新的密钥。',
    },
    en: {
      title: 'Key expired',
      cause: 'Block time is after the key’s term.',
      remedy: 'Register a new key.',
    },
  },
  'key.revoked': {
    zh: {
      title: '密钥已撤销',
      cause: '区块时间不早于密钥被撤销、被接替，或其授权密钥失效的时间；此前的记录不受影响。',
      remedy: '请使用接替的密钥，或登记新的密钥。',
    },
    en: {
      title: 'Key revoked',
      cause:
        'By block time the key was revoked or replaced, or the key that delegated to it was. Earlier records are not affected.',
      remedy: 'Use the key that took its place, or register a new one.',
    },
  },
  'key.type-not-delegated': {
    zh: {
      title: '未授权签署此类报文',
      cause: '该日常密钥的授权只包括所列的报文类型。',
      remedy: '请使用授权密钥本身，或由其另行授权。',
    },
    en: {
      title: 'Not delegated for this type',
      cause: 'This daily key was delegated for the record types listed only.',
      remedy: 'Use the key that delegated, or have it delegate again.',
    },
  },
  'key.delegated-not-entitled': {
    zh: {
      title: '日常密钥不得办理',
      cause: '登记、轮换、授权密钥及批准规则，不得使用授权的日常密钥。',
      remedy: '请使用授权密钥本身。',
    },
    en: {
      title: 'Not with a delegated key',
      cause: 'A delegated key neither registers, rotates or delegates keys, nor approves rules.',
      remedy: 'Use the key that delegated.',
    },
  },
  'key.out-of-scope': {
    zh: {
      title: '超出单方登记的范围',
      cause:
        '该密钥只有一个成员确认（单方登记），只在该成员范围内有效：须经该成员的节点提交，且所涉项目的招标人属于该成员的范围。',
      remedy: '请经该成员提交；如需在全网使用，请由另一成员批准同一份申请。',
    },
    en: {
      title: 'Out of the scope of one member’s word',
      cause:
        'One member alone vouches for this key, so it counts only there: through that member’s node, and for tenders whose owner is in its scope.',
      remedy: 'Submit through that member; for use everywhere have another member approve the same request.',
    },
  },
  'key.not-of-the-node': {
    zh: {
      title: '须由成员节点自己签署',
      cause: '这类报文由成员节点用其封装密钥签署并自行提交，其他密钥不能代替。',
      remedy: '无需由您提交；节点会自行提交。',
    },
    en: {
      title: 'Only the node itself says this',
      cause: 'A member’s node signs this type with its seal key and brings it itself; no other key can.',
      remedy: 'There is nothing to submit; the node does it.',
    },
  },
  'role.not-allowed': {
    zh: {
      title: '角色不符',
      cause: '签名密钥没有提交这类报文所需的角色。',
      remedy: '请使用具有所需角色的密钥，或申请登记相应角色。',
    },
    en: {
      title: 'Role not allowed',
      cause: 'The signing key has none of the roles that may submit this type.',
      remedy: 'Use a key with one of them, or register one.',
    },
  },
}

/**
 * The catalogue of a ledger that was founded with these types.
 * @param from what this software knows; tests give other families
 * @throws {Refusal} type.unknown when this software does not know one of them
 */
export function catalogueOf(names: readonly string[], from: readonly Family[] = families): Catalogue {
  const known = typesOf(from)
  const founding = new Map<string, TypeInForce & { readonly check: SchemaCheck }>()
  for (const name of names) {
    const found = known.get(name)
    if (found === undefined) throw new Refusal('type.unknown', `this software does not know ${name}`)
    founding.set(name, { name, ...found, ...compiled(found.type) })
  }
  const types = Array.from(founding.values(), ({ name, type, family, schema }) => ({ name, type, family, schema }))
  // Where nothing can be activated, what is in force is for ever what the ledger was founded with.
  const mayGrow = founding.has(activationTypeName)
  const reachable: KnownTypes = mayGrow ? known : founding
  const reachableTypes = Array.from(reachable.values(), ({ type }) => type)
  const reachableFamilies = Array.from(new Set(Array.from(reachable.values(), ({ family }) => family)))

  /** What is not of the founding costs a look into the state; most statements never come here. */
  function activated(name: string, { state, height }: RuleContext): (typeof types)[number] & { check: SchemaCheck } {
    const found = reachable.get(name)
    if (!mayGrow || found === undefined || !isActivated(state, name, height)) {
      throw new Refusal('type.unknown', `${name} is not in force`)
    }
    return { name, ...found, ...compiled(found.type) }
  }

  return {
    types,
    typeOf: (name) => reachable.get(name)?.type,
    standings: (state) => [
      ...types.map(({ name, schema }) => ({ name, schema, from: 0, index: 0 })),
      ...Array.from(mayGrow ? scheduleOf(state).values() : [], ({ name, height, index }) => {
        const found = reachable.get(name)
        return { name, schema: found === undefined ? undefined : compiled(found.type).schema, from: height, index }
      }),
    ],
    unknownAhead(state) {
      if (!mayGrow) return undefined
      const unknown = Array.from(scheduleOf(state).values()).filter(({ name }) => !reachable.has(name))
      if (unknown.length === 0) return undefined
      const height = Math.min(...unknown.map((type) => type.height))
      return { height, types: unknown.filter((type) => type.height === height).map(({ name }) => name) }
    },
    check(statement, context) {
      const found = founding.get(statement.type) ?? activated(statement.type, context)
      found.check(statement.payload)
      checkKey(statement, found.type, context)
      found.type.check?.(statement.payload, context)
    },
    apply(statement, context) {
      reachable.get(statement.type)?.type.apply?.(statement.payload, context)
    },
    refusals: combined([
      jsonRefusals,
      statementRefusals,
      genesisRefusals,
      epochRefusals,
      refoundingRefusals,
      schemaRefusals,
      valueRefusals,
      openingRefusals,
      commonRefusals,
      personalDataRefusals,
      ...reachableTypes.map(({ refusals }) => refusals),
      ...reachableFamilies.flatMap(({ refusals = {}, lifecycles = [] }) => [
        refusals,
        ...lifecycles.map((lifecycle) => lifecycle.refusals),
      ]),
    ]),
    lifecycles: new Map(
      reachableFamilies.flatMap(({ lifecycles = [] }) => lifecycles.map((lifecycle) => [lifecycle.name, lifecycle])),
    ),
    findings: combined([
      ...reachableTypes.map(({ findings }) => findings ?? {}),
      ...reachableFamilies.map(({ findings }) => findings ?? {}),
    ]),
  }
}

/** The schema of a type's whole payload: the common fields, its own, and nothing else. */
function payloadSchema(type: StatementType): JsonObject {
  const common = {
    ledger: named('账本标识', 'Ledger id', { type: 'string', pattern: '^[0-9a-f]{64}$' }),
    type: named('类型', 'Type', { type: 'string', const: nameOf(type) }),
    party: { ...partyField('签名主体', 'Signing party') },
    key: named('幂等键', 'Idempotency key', {
      description: 'DATA_KEY；同键同内容即同一记录 / same key and content is the same record',
      type: 'string',
      minLength: 1,
      maxLength: idempotencyKeyCharactersMax,
    }),
  }
  const { properties, required } = type.schema
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `${type.title.zh} / ${type.title.en}`,
    description: `${type.law.zh} / ${type.law.en}`,
    ...object({ ...common, ...properties }, [...Object.keys(common), ...required]),
  }
}

function nameOf(type: StatementType): string {
  return `${type.name}@${type.version}`
}

/** Compiling takes some ten milliseconds per type, and every node of a simulated cluster asks for the same ones. */
function compiled(type: StatementType): { readonly schema: JsonObject; readonly check: SchemaCheck } {
  let schemaAndCheck = compiledTypes.get(type)
  if (schemaAndCheck === undefined) {
    const schema = payloadSchema(type)
    schemaAndCheck = { schema, check: compileSchema(schema, type.isFirstEdition ? 'first' : 'second') }
    compiledTypes.set(type, schemaAndCheck)
  }
  return schemaAndCheck
}
const compiledTypes = new Map<StatementType, { readonly schema: JsonObject; readonly check: SchemaCheck }>()

/** Whose key, since when, in which role, in whose scope (design.md, section 10). */
function checkKey(statement: Statement, type: StatementType, context: RuleContext): void {
  if (type.isSignedByNode) return checkNodeKey(statement, context)
  const key = readKey(context.state, statement.kid)
  if (key === undefined) throw new Refusal('key.unknown', `key ${statement.kid} is not registered`)
  if (key.party !== statement.party) throw new Refusal('key.wrong-party', `the key is registered to ${key.party}`)
  if (isEnded(key, context.blockTime)) {
    throw new Refusal('key.revoked', `ended by record ${key.endedBy}, at ${formatTime(key.endsAt!)}`)
  }
  refuseFrozen([statement.kid, key.delegator], context)
  if (key.notBefore !== null && context.blockTime < key.notBefore) throw new Refusal('key.not-yet-valid')
  if (isExpired(key, context.blockTime) && !(type.isAfterExpiry && key.roles.includes('centre'))) {
    throw new Refusal('key.expired')
  }
  if (key.types !== null && !key.types.includes(type.name) && !type.isOutsideScope) {
    throw new Refusal('key.type-not-delegated', `delegated for ${key.types.join(', ')}`)
  }
  if (type.isForStrongKeys && key.delegator !== '') throw new Refusal('key.delegated-not-entitled')
  const allowed = type.roles
  if (allowed !== 'any' && !key.roles.some((role) => allowed.includes(role))) {
    throw new Refusal('role.not-allowed', `needs one of the roles ${allowed.join(', ')}`)
  }
  if (!key.agreed && type.isForAgreedKeys) {
    throw new Refusal(
      'key.out-of-scope',
      `only ${key.vouchedBy[0]} vouches for the key, and ${type.name} counts everywhere`,
    )
  }
  if (!key.agreed && !type.isOutsideScope) checkScope(key, statement, type, context)
}

/** What a node says of itself counts under its seal key alone, and only in what it brings itself. */
function checkNodeKey({ kid, party }: Statement, { member, members }: RuleContext): void {
  const self = members.find(({ id }) => id === member)
  if (self?.node.seal !== kid)
    throw new Refusal('key.not-of-the-node', `brought by ${member}, whose seal key it is not`)
  if (self.party !== party) throw new Refusal('key.wrong-party', `the node is that of ${self.party}`)
}

function checkScope(key: KeyRow, statement: Statement, type: StatementType, context: RuleContext): void {
  const voucher = key.vouchedBy[0]!
  if (context.member !== voucher) {
    throw new Refusal('key.out-of-scope', `only ${voucher} vouches for the key; received by ${context.member}`)
  }
  // What names no owner is the signer's own thing: there one member's word does not count against that of others.
  const own = type.isFirstEdition || type.keepsScopesApart ? undefined : statement.party
  const { owner = own } = type.subjects(statement.payload)
  if (owner !== undefined && !isInScopeOf(context.state, owner, voucher)) {
    throw new Refusal('key.out-of-scope', `only ${voucher} vouches for the key, and not for the owner ${owner}`)
  }
}

function combined(parts: readonly RefusalTexts[]): RefusalTexts {
  const all: Record<string, RefusalTexts[string]> = {}
  for (const part of parts) {
    for (const [code, text] of Object.entries(part)) {
      if (Object.hasOwn(all, code)) throw new TypeError(`two texts for the code ${code}`)
      all[code] = text
    }
  }
  return all
}
