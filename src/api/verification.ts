/**
 * Technical verification (技术核验; Rules of Online Litigation arts. 16–19): given a hash, a code or a number, is it on the ledger, and
 * where? Only what every reader of the ledger can see is looked at, so nothing is answered here that is still secret: what a guarantee
 * says before its opening is known to whoever holds the document, and its record is not here before the opening. A document itself is
 * never sent: its holder hashes it.
 *
 * `match` names the first records that carry it, each of which can be proved offline (`/v1/records/{index}/proof`). `mismatch` is this
 * member's word about one state of the ledger; who doubts it asks another member. `pending`: on the ledger, and not attested yet.
 */

import { rowName } from '../chain/catalogue/register.ts'
import { tenderSubject } from '../chain/catalogue/tender-identity.ts'
import { type DocumentHash, hashText, valueRules } from '../chain/catalogue/values.ts'
import { parseDecimal } from '../chain/checkpoint.ts'
import type { JsonObject, JsonValue } from '../chain/json.ts'
import { asOfAnswer, beijingTime } from './answering.ts'
import type { VerificationAnswer, VerificationsAnswer, VerifiedPlace, VerifyItem } from './answers.ts'
import { insideNumber } from './parameters.ts'
import type { AsOf, LedgerRecord, RecordFilter, Service } from './service.ts'
import type { Title } from './table.ts'

/** The members of an item, which are the columns of a table of them too. */
export const itemMembers: Readonly<Record<keyof VerifyItem, Title>> = {
  hash: { zh: '哈希', en: 'Hash' },
  algorithm: { zh: '算法', en: 'Algorithm' },
  tender: { zh: '招标项目编号', en: 'Tender code' },
  owner: { zh: '招标项目所属主体', en: 'Owner of the tender' },
  scheme: { zh: '编码体系', en: 'Code scheme' },
  guarantee: { zh: '保函编号', en: 'Guarantee number' },
  issuer: { zh: '保函出具人', en: 'Issuer of the guarantee' },
  statement: { zh: '报文标识', en: 'Statement id' },
  record: { zh: '所称记录', en: 'Record named' },
}

/** One item, read: what is looked for, and in which record if one is named. */
export interface Sought {
  readonly item: VerifyItem
  readonly what:
    | { readonly kind: 'hash'; readonly hash: DocumentHash }
    | {
        readonly kind: 'code'
        readonly code: string
        /** As payloads name it. */
        readonly member: 'code' | 'number'
        /** The whole identity, as the indexes spell it; undefined for a tender's code alone, which several tenders may have. */
        readonly subject: string | undefined
      }
    | { readonly kind: 'statement'; readonly id: string }
  readonly record: string | undefined
}

export interface ItemProblem {
  readonly pointer: string
  readonly problem: Title
}

/** Reads one item strictly. @returns what is wrong, by member, instead */
export function readItem(given: JsonObject, pointer: string): Sought | readonly ItemProblem[] {
  const problems: ItemProblem[] = []
  const wrong = (name: string, problem: Title): void => {
    problems.push({ pointer: name === '' ? pointer : `${pointer}/${name}`, problem })
  }
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(itemMembers, name)) wrong(name.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1'), unknown)
    else if (typeof value !== 'string') wrong(name, { zh: '须为字符串', en: 'must be a string' })
    else {
      const problem = forms[name as keyof VerifyItem](value)
      if (problem !== undefined) wrong(name, problem)
    }
  }
  if (problems.length > 0) return problems
  const item = given as unknown as VerifyItem
  const sought = (['hash', 'tender', 'guarantee', 'statement'] as const).filter((name) => item[name] !== undefined)
  if (sought.length !== 1) wrong('', exactlyOne)
  for (const [name, owner] of belongings) {
    if (item[name] !== undefined && item[owner] === undefined)
      wrong(name, { zh: `只能与 ${owner} 同时填写`, en: `stands only beside ${owner}` })
  }
  if ((item.owner === undefined) !== (item.scheme === undefined))
    wrong(item.owner === undefined ? 'owner' : 'scheme', {
      zh: 'owner 与 scheme 须同时填写或都不填写',
      en: 'owner and scheme stand together or not at all',
    })
  if (item.guarantee !== undefined && item.issuer === undefined)
    wrong('issuer', {
      zh: '缺少保函出具人：编号只在出具人之内唯一',
      en: 'is missing: a number is one only at its issuer',
    })
  if (problems.length > 0) return problems
  return { item, what: whatOf(item), record: item.record?.toLowerCase() }
}

function whatOf({ hash, algorithm, tender, owner, scheme, guarantee, issuer, statement }: VerifyItem): Sought['what'] {
  if (hash !== undefined) return { kind: 'hash', hash: { algorithm: algorithm ?? 'sha256', value: hash.toLowerCase() } }
  if (tender !== undefined) {
    const subject = owner === undefined ? undefined : tenderSubject({ owner, scheme: scheme!, code: tender })
    return { kind: 'code', code: tender, member: 'code', subject }
  }
  if (guarantee !== undefined)
    return { kind: 'code', code: guarantee, member: 'number', subject: rowName('guarantee', issuer!, guarantee) }
  return { kind: 'statement', id: statement!.toLowerCase() }
}

export interface VerificationLimits {
  readonly verifyPlacesMax: number
}

/** Answers all items, in order, as of the state at the beginning. */
export async function verify(
  service: Service,
  items: readonly Sought[],
  limits: VerificationLimits,
): Promise<VerificationsAnswer> {
  const asOf = service.asOf()
  const results: VerificationAnswer[] = []
  // A column may say the same thing a thousand times.
  const known = new Map<string, VerificationAnswer>()
  for (const [at, sought] of items.entries()) {
    // The loop that keeps the node in its quorum has its turn between them.
    if (at % itemsAtOnce === itemsAtOnce - 1) await new Promise((resolve) => setImmediate(resolve))
    const name = JSON.stringify([sought.what, sought.record])
    let answer = known.get(name)
    if (answer === undefined) {
      answer =
        sought.record === undefined
          ? await everywhere(service, sought, asOf, limits)
          : against(recordNamed(service, sought.record, asOf), sought)
      known.set(name, answer)
    }
    results.push({ ...answer, item: sought.item })
  }
  return { results, asOf: asOfAnswer(asOf) }
}

/** Looked up before the loop has its turn: each reads a few rows and blocks. */
const itemsAtOnce = 8

async function everywhere(
  service: Service,
  { item, what }: Sought,
  asOf: AsOf,
  { verifyPlacesMax }: VerificationLimits,
): Promise<VerificationAnswer> {
  const { records, isMore } = await recordsWith(service, what, verifyPlacesMax)
  // What was committed while this ran is not in the state that is answered from.
  const found = records.filter(({ index }) => index < asOf.size)
  if (found.length === 0) return { item, result: 'mismatch', reason: 'not-on-ledger', places: [], more: false }
  const places = found.map((record) => placeOf(record, what))
  return { item, result: resultOf(places), reason: null, places, more: isMore && found.length === records.length }
}

async function recordsWith(service: Service, what: Sought['what'], max: number) {
  if (what.kind === 'statement') {
    const record = service.recordByStatement(what.id)
    return { records: record === undefined ? [] : [record], isMore: false }
  }
  const { records, nextCursor } = await service.records(filterOf(what), null, max)
  return { records, isMore: nextCursor !== null }
}

function filterOf(what: Exclude<Sought['what'], { kind: 'statement' }>): RecordFilter {
  if (what.kind === 'hash') return { hash: hashText(what.hash) }
  return what.subject === undefined ? { tender: what.code } : { subject: what.subject }
}

/** Against one record and no other. */
function against(record: LedgerRecord | undefined, { item, what }: Sought): VerificationAnswer {
  if (record === undefined) return { item, result: 'mismatch', reason: 'no-such-record', places: [], more: false }
  const place = placeOf(record, what)
  if (!carries(record, what)) return { item, result: 'mismatch', reason: 'not-in-record', places: [place], more: false }
  return { item, result: resultOf([place]), reason: null, places: [place], more: false }
}

function recordNamed(service: Service, name: string, asOf: AsOf): LedgerRecord | undefined {
  const index = isDigest(name) ? undefined : insideNumber(parseDecimal(name)!)
  const record = isDigest(name)
    ? service.recordByStatement(name)
    : index === undefined
      ? undefined
      : service.recordByIndex(index)
  return record !== undefined && record.index < asOf.size ? record : undefined
}

/** By what the record's own type says it is about: the same that the indexes hold. */
function carries(record: LedgerRecord, what: Sought['what']): boolean {
  if (what.kind === 'statement') return record.kind === 'record' && record.statementId === what.id
  const { about } = record
  if (what.kind === 'hash') return about.hashes?.includes(hashText(what.hash)) === true
  if (what.subject === undefined) return about.tender === what.code
  return about.subjects?.includes(what.subject) === true
}

const resultOf = (places: readonly VerifiedPlace[]): VerificationAnswer['result'] =>
  places.some(({ status }) => status === 'attested') ? 'match' : 'pending'

const placeOf = (record: LedgerRecord, what: Sought['what']): VerifiedPlace => ({
  index: String(record.index),
  statementId: record.statementId,
  type: record.type,
  status: record.status,
  blockTime: beijingTime(record.blockTime),
  height: String(record.height),
  fields: what.kind === 'statement' ? [] : pointersTo(what, record.payload, ''),
})

/** Where in a payload it stands, as JSON pointers: fields for people to look at, not what decides. */
function pointersTo(what: Exclude<Sought['what'], { kind: 'statement' }>, value: JsonValue, at: string): string[] {
  if (Array.isArray(value)) return value.flatMap((each, i) => pointersTo(what, each, `${at}/${i}`))
  if (typeof value !== 'object' || value === null) return []
  const object = value as JsonObject
  const here =
    what.kind === 'hash' && object.algorithm === what.hash.algorithm && object.value === what.hash.value ? [at] : []
  const below = Object.entries(object).flatMap(([name, member]) => {
    const pointer = `${at}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
    if (what.kind === 'code' && name === what.member && member === what.code) return [pointer]
    return pointersTo(what, member, pointer)
  })
  return [...here, ...below]
}

const isDigest = (text: string): boolean => /^[0-9a-f]{64}$/i.test(text)

type Form = (text: string) => Title | undefined

const digest: Form = (text) =>
  isDigest(text) ? undefined : { zh: '须为 64 位十六进制数字', en: 'must be 64 hexadecimal digits' }

const byRule =
  (rule: 'party' | 'code'): Form =>
  (text) => {
    const problem = valueRules[rule](text)
    return problem === undefined ? undefined : { zh: problem.zh, en: problem.en }
  }

/** What a member may hold. */
const forms: Readonly<Record<keyof VerifyItem, Form>> = {
  hash: digest,
  algorithm: (text) =>
    text === 'sha256' || text === 'sm3' ? undefined : { zh: '须为 sha256 或 sm3', en: 'must be sha256 or sm3' },
  tender: byRule('code'),
  owner: byRule('party'),
  scheme: (text) =>
    /^[A-Za-z0-9._-]{1,32}$/.test(text)
      ? undefined
      : { zh: '须为 1 至 32 个字母、数字或 . _ -', en: 'must be 1 to 32 letters, digits or . _ -' },
  guarantee: byRule('code'),
  issuer: byRule('party'),
  statement: digest,
  record: (text) =>
    isDigest(text) || parseDecimal(text) !== undefined
      ? undefined
      : {
          zh: '须为条目编号（十进制，无前导零）或报文标识（64 位十六进制）',
          en: 'must be an index (decimal, no leading zeros) or a statement id (64 hex digits)',
        },
}

/** What stands only beside another. */
const belongings = [
  ['algorithm', 'hash'],
  ['owner', 'tender'],
  ['scheme', 'tender'],
  ['issuer', 'guarantee'],
] as const

const unknown: Title = {
  zh: `未知；可用：${Object.keys(itemMembers).join(', ')}`,
  en: `unknown; there are: ${Object.keys(itemMembers).join(', ')}`,
}

const exactlyOne: Title = {
  zh: '须恰有一项：hash、tender、guarantee 或 statement',
  en: 'must have exactly one of hash, tender, guarantee and statement',
}
