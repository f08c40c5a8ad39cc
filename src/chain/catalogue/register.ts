/**
 * The register: which key is whose, with which roles, on whose word. These are the rows of the state that genesis and `party.register`
 * write and that every check of a statement reads. Nothing is ever deleted here; no member can overwrite what another registered.
 */
import { type CborValue, field } from '../cbor.ts'
import type { StateReader, StateWriter } from '../state.ts'

/** What a key may be registered for. `centre` is a member organisation's own; only genesis and that centre itself give it. */
export const roles = [
  'centre',
  'sub-centre',
  'tenderee',
  'agency',
  'trading-platform',
  'guarantee-issuer',
  'supervisor',
  'auditor',
] as const
export type Role = (typeof roles)[number]

export interface KeyRow {
  readonly party: string
  /** The party's name as the key's request gives it. */
  readonly name: string
  readonly roles: readonly Role[]
  /** Ids of the members that vouched, in the order they did. */
  readonly vouchedBy: readonly string[]
  /** True: counts everywhere (genesis, the company's own agreed key, or two members). False: in its one voucher's scope (单方登记). */
  readonly agreed: boolean
  /** Block times, milliseconds; the key counts while notBefore ≤ t ≤ notAfter. */
  readonly notBefore: number | null
  readonly notAfter: number | null
  /** Index of the record that first registered the key. */
  readonly index: number
  /** Hex id of the request it was registered by; empty for genesis keys. */
  readonly request: string
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

export function readKey(state: StateReader, kid: string): KeyRow | undefined {
  const row = state.get(keyRowName(kid))
  if (row === undefined) return undefined
  const cells = field.array(row, 'key row', 10)
  let key = keysRead.get(cells)
  if (key === undefined) {
    key = keyOf(cells)
    keysRead.set(cells, key)
  }
  return key
}

/** Every statement asks for its key several times, and a row never changes: what one says is read once, for as long as it is held. */
const keysRead = new WeakMap<readonly CborValue[], KeyRow>()

function keyOf(cells: readonly CborValue[]): KeyRow {
  const [, party, name, held, vouchedBy, agreed, notBefore, notAfter, index, request] = cells
  return {
    party: field.text(party, 'key.party'),
    name: field.text(name, 'key.name'),
    roles: texts(held, 'key.roles') as readonly Role[],
    vouchedBy: texts(vouchedBy, 'key.vouchedBy'),
    agreed: field.boolean(agreed, 'key.agreed'),
    notBefore: notBefore === null ? null : field.natural(notBefore, 'key.notBefore'),
    notAfter: notAfter === null ? null : field.natural(notAfter, 'key.notAfter'),
    index: field.natural(index, 'key.index'),
    request: field.text(request, 'key.request'),
  }
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

/** Kids of a party's keys in the order they were registered; `limit` because a party may have any number. */
export function kidsOf(state: StateReader, party: string, limit: number): readonly string[] {
  const count = Math.min(readParty(state, party)?.keyCount ?? 0, limit)
  return Array.from({ length: count }, (_, number) =>
    field.text(state.get(partyKeyRowName(party, number)), 'party key'),
  )
}

/** Writes a key, new or with more standing than before, and what its party's row says about it. */
export function writeKey(state: StateWriter, kid: string, row: KeyRow): void {
  const isNew = state.get(keyRowName(kid)) === undefined
  state.set(keyRowName(kid), [
    1,
    row.party,
    row.name,
    row.roles,
    row.vouchedBy,
    row.agreed,
    row.notBefore,
    row.notAfter,
    row.index,
    row.request,
  ])
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

function texts(value: CborValue | undefined, name: string): readonly string[] {
  return field.array(value, name).map((item) => field.text(item, name))
}

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return Array.from(new Set([...a, ...b]))
}
