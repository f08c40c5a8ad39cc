/**
 * The register: which key is whose, with which roles, on whose word, and until when. These are the rows of the state that genesis,
 * `party.register` and the records about keys (`keys.ts`) write and that every check of a statement reads. Nothing is ever deleted here;
 * no member can overwrite what another registered.
 */
import { assert } from '../assert.ts'
import { type CborValue, field } from '../cbor.ts'
import type { StateReader, StateWriter } from '../state.ts'

/** What a key request of the first edition may ask for. It never grows: `party.register@1` refuses what it always refused. */
export const firstEditionRoles = [
  'centre',
  'sub-centre',
  'tenderee',
  'agency',
  'trading-platform',
  'guarantee-issuer',
  'supervisor',
  'auditor',
] as const

/** What a key may be registered for. `centre` is a member organisation's own; only genesis and that centre itself give it. */
export const roles = [...firstEditionRoles, 'secretariat', 'vendor'] as const
export type Role = (typeof roles)[number]

export interface KeyRow {
  readonly party: string
  /** The party's name as the key's request gives it; empty for a natural person. */
  readonly name: string
  readonly roles: readonly Role[]
  /** Ids of the members that vouch, in the order they did. */
  readonly vouchedBy: readonly string[]
  /** True: counts everywhere (genesis, the company's own agreed key, or two members). False: in its one voucher's scope (单方登记). */
  readonly agreed: boolean
  /** Agreed whatever members say: by genesis, or by an agreed key of the same company. */
  readonly byCompany: boolean
  /** Members in whose scope alone the key may have spoken before, and does no longer: what it said then is found there. */
  readonly formerScopes: readonly string[]
  /** Block times, milliseconds; the key counts while notBefore ≤ t ≤ notAfter. */
  readonly notBefore: number | null
  readonly notAfter: number | null
  /** Index of the record that first registered the key. */
  readonly index: number
  /** Hex id of the request it was registered by; empty for genesis keys. */
  readonly request: string
  /** Block time from which the key counts no more, because it was revoked or rotated; null: as far as anybody has said, never. */
  readonly endsAt: number | null
  /** Index of the record that says so. */
  readonly endedBy: number | null
  /** Kid of the key that took its place; empty when none did. */
  readonly successor: string
  /** Kid of the key that delegated to this one; empty for a key that stands by itself. */
  readonly delegator: string
  /** Names of the record types that a delegated key may sign; null: all. */
  readonly types: readonly string[] | null
}

export interface PartyRow {
  /** Id of the member whose organisation this is; empty for all others. */
  readonly member: string
  readonly keyCount: number
  /** Members that vouched for an agreed key of this party. */
  readonly agreedVouchers: readonly string[]
  /** Members that vouched for a key of this party, whether it is agreed by now or not. */
  readonly vouchers: readonly string[]
}

/**
 * A key as it counts now. One that was delegated stands on its delegator: it has that one's standing, and ends with it.
 */
export function readKey(state: StateReader, kid: string): KeyRow | undefined {
  const own = readOwnKey(state, kid)
  if (own === undefined || own.delegator === '') return own
  const delegator = readOwnKey(state, own.delegator)
  assert(delegator !== undefined, 'whoever delegates is registered')
  const { vouchedBy, agreed, byCompany, formerScopes } = delegator
  const endsFirst =
    delegator.endsAt !== null && (own.endsAt === null || delegator.endsAt < own.endsAt) ? delegator : own
  const { endsAt, endedBy } = endsFirst
  return { ...own, vouchedBy, agreed, byCompany, formerScopes, endsAt, endedBy }
}

/** The key's own row, which is what a record changes. */
export function readOwnKey(state: StateReader, kid: string): KeyRow | undefined {
  const row = state.get(keyRowName(kid))
  if (row === undefined) return undefined
  const cells = field.array(row, 'key row')
  let key = keysRead.get(cells)
  if (key === undefined) {
    key = keyOf(cells)
    keysRead.set(cells, key)
  }
  return key
}

/** Every statement asks for its key several times, and a row never changes: what one says is read once, for as long as it is held. */
const keysRead = new WeakMap<readonly CborValue[], KeyRow>()

/** Rows of version 1 have ten cells, and say nothing of what came later; those of version 2 have seventeen. */
function keyOf(cells: readonly CborValue[]): KeyRow {
  const [version, party, name, held, vouching, agreement, notBefore, notAfter, index, request, ...later] = cells
  const vouchedBy = texts(vouching, 'key.vouchedBy')
  const agreed = field.boolean(agreement, 'key.agreed')
  const first = {
    party: field.text(party, 'key.party'),
    name: field.text(name, 'key.name'),
    roles: texts(held, 'key.roles') as readonly Role[],
    vouchedBy,
    agreed,
    notBefore: naturalOrNull(notBefore, 'key.notBefore'),
    notAfter: naturalOrNull(notAfter, 'key.notAfter'),
    index: field.natural(index, 'key.index'),
    request: field.text(request, 'key.request'),
  }
  if (version === 1) return { ...first, ...unsaid(first) }
  const [byCompany, formerScopes, endsAt, endedBy, successor, delegator, types] = field.array(later, 'key row', 7)
  return {
    ...first,
    byCompany: field.boolean(byCompany, 'key.byCompany'),
    formerScopes: texts(formerScopes, 'key.formerScopes'),
    endsAt: naturalOrNull(endsAt, 'key.endsAt'),
    endedBy: naturalOrNull(endedBy, 'key.endedBy'),
    successor: field.text(successor, 'key.successor'),
    delegator: field.text(delegator, 'key.delegator'),
    types: types === null ? null : texts(types, 'key.types'),
  }
}

/**
 * What a row of version 1 does not say. It was agreed by the company if by nobody else. (A company's key and two members may all have
 * agreed; then this row does not tell, and it is taken for the members' agreement, which they can withdraw.)
 */
export function unsaid({ agreed, vouchedBy }: Pick<KeyRow, 'agreed' | 'vouchedBy'>): LaterCells {
  const byCompany = agreed && vouchedBy.length < 2
  return { byCompany, formerScopes: [], endsAt: null, endedBy: null, successor: '', delegator: '', types: null }
}

type LaterCells = Pick<
  KeyRow,
  'byCompany' | 'formerScopes' | 'endsAt' | 'endedBy' | 'successor' | 'delegator' | 'types'
>

/** A row that says nothing new is written as it always was: a ledger of the first edition keeps its rows to the byte. */
function cellsOf(row: KeyRow): CborValue {
  const first = [
    row.party,
    row.name,
    row.roles,
    row.vouchedBy,
    row.agreed,
    row.notBefore,
    row.notAfter,
    row.index,
    row.request,
  ]
  if (isFirstEdition(row)) return [1, ...first]
  const { byCompany, formerScopes, endsAt, endedBy, successor, delegator, types } = row
  return [2, ...first, byCompany, formerScopes, endsAt, endedBy, successor, delegator, types]
}

/** Whether a key says nothing that a row of version 1 would not; one that is not registered says nothing. */
export function isFirstEdition(row: KeyRow | undefined): boolean {
  if (row === undefined) return true
  const { byCompany, formerScopes, endsAt, delegator } = row
  return byCompany === unsaid(row).byCompany && formerScopes.length === 0 && endsAt === null && delegator === ''
}

/** Whether the key was revoked or rotated by that time. */
export function isEnded({ endsAt }: Pick<KeyRow, 'endsAt'>, time: number): boolean {
  return endsAt !== null && time >= endsAt
}

export function isExpired({ notAfter }: Pick<KeyRow, 'notAfter'>, time: number): boolean {
  return notAfter !== null && time > notAfter
}

/** Centre of a member: the member whose word this key gives. Undefined when it gives none. */
export function memberOfCentre<M extends { readonly party: string }>(
  { party, roles, agreed, delegator }: KeyRow,
  members: readonly M[],
): M | undefined {
  if (!agreed || delegator !== '' || !roles.includes('centre')) return undefined
  return members.find((member) => member.party === party)
}

export function readParty(state: StateReader, party: string): PartyRow | undefined {
  const row = state.get(partyRowName(party))
  if (row === undefined) return undefined
  const [, member, keyCount, agreedVouchers, vouchers] = field.array(row, 'party row', 5)
  return {
    member: field.text(member, 'party.member'),
    keyCount: field.natural(keyCount, 'party.keyCount'),
    agreedVouchers: texts(agreedVouchers, 'party.agreedVouchers'),
    vouchers: texts(vouchers, 'party.vouchers'),
  }
}

/** Kids of a party's newest keys in the order they were registered; `limit` because a party may have any number. */
export function kidsOf(state: StateReader, party: string, limit: number): readonly string[] {
  const count = readParty(state, party)?.keyCount ?? 0
  const first = Math.max(0, count - limit)
  return Array.from({ length: count - first }, (_, at) =>
    field.text(state.get(partyKeyRowName(party, first + at)), 'party key'),
  )
}

/**
 * Writes a key, new or changed, and what its party's row says about it. Who has ever vouched for a key of the party stays there: a word
 * taken back ends a key or narrows its scope, and leaves what members have to do with the party as it was.
 */
export function writeKey(state: StateWriter, kid: string, row: KeyRow): void {
  const isNew = state.get(keyRowName(kid)) === undefined
  state.set(keyRowName(kid), cellsOf(row))
  const party = readParty(state, row.party) ?? { member: '', keyCount: 0, agreedVouchers: [], vouchers: [] }
  if (isNew) state.set(partyKeyRowName(row.party, party.keyCount), kid)
  writeParty(state, row.party, {
    member: party.member,
    keyCount: party.keyCount + (isNew ? 1 : 0),
    agreedVouchers: row.agreed ? union(party.agreedVouchers, row.vouchedBy) : party.agreedVouchers,
    vouchers: union(party.vouchers, row.vouchedBy),
  })
}

/** Registers a member's organisation with its centre key; genesis only. */
export function writeMemberParty(
  state: StateWriter,
  member: { readonly id: string; readonly name: string; readonly party: string; readonly centreKey: string },
): void {
  writeParty(state, member.party, { member: member.id, keyCount: 0, agreedVouchers: [], vouchers: [] })
  writeKey(state, member.centreKey, {
    party: member.party,
    name: member.name,
    roles: ['centre'],
    vouchedBy: [member.id],
    agreed: true,
    ...unsaid({ vouchedBy: [member.id], agreed: true }),
    notBefore: null,
    notAfter: null,
    index: 0,
    request: '',
  })
}

/**
 * Whether a key that has only this member's word may speak about tenders of this owner: never another member's; one whose agreed
 * keys this member vouched for; and where no key of the owner is agreed yet, one that it vouched for at all. (Without the
 * precedence of agreed keys, a member could draw any company into its scope by registering a key of its own in that company's name.)
 */
export function isInScopeOf(state: StateReader, owner: string, member: string): boolean {
  const party = readParty(state, owner)
  if (party === undefined) return false
  if (party.member !== '') return party.member === member
  return (party.agreedVouchers.length > 0 ? party.agreedVouchers : party.vouchers).includes(member)
}

/**
 * Whose word the words of this key are: everybody's (the empty scope), or one member's. In the first scope it speaks now; what it may have
 * said before, with more or less standing, is in the others.
 */
export function scopesOfKey(key: KeyRow | undefined): readonly [string, ...string[]] {
  // A key of the genesis never had less than everybody's word.
  if (key === undefined || (key.agreed && key.index === 0)) return ['']
  // A key has one voucher until it is agreed, and that one stays the first while its word stands.
  const [first] = key.vouchedBy
  const former = key.formerScopes.filter((scope) => scope !== first)
  if (first === undefined) return ['', ...former] // the company's own key alone consented, or nobody's word is left
  return key.agreed ? ['', first, ...former] : [first, '', ...former]
}

/**
 * A row's name made of parts, readable and unambiguous: a slash inside a part is escaped, so that ("a/b", "c") and ("a", "b/c")
 * never meet.
 */
export function rowName(table: string, ...parts: readonly string[]): string {
  let name = table
  for (const part of parts) name += `/${part.replaceAll('%', '%25').replaceAll('/', '%2F')}`
  return name
}

/** The parts of a row's name, its table first. */
export function rowNameParts(name: string): readonly string[] {
  return name.split('/').map((part) => part.replaceAll('%2F', '/').replaceAll('%25', '%'))
}

const keyRowName = (kid: string): string => `key/${kid}`
const partyRowName = (party: string): string => rowName('party', party)
const partyKeyRowName = (party: string, number: number): string => rowName('party-key', party, String(number))

function writeParty(state: StateWriter, id: string, row: PartyRow): void {
  state.set(partyRowName(id), [1, row.member, row.keyCount, row.agreedVouchers, row.vouchers])
}

function naturalOrNull(value: CborValue | undefined, name: string): number | null {
  return value === null ? null : field.natural(value, name)
}

function texts(value: CborValue | undefined, name: string): readonly string[] {
  return field.array(value, name).map((item) => field.text(item, name))
}

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return Array.from(new Set([...a, ...b]))
}
