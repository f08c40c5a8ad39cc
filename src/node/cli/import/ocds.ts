/**
 * Open Contracting Data Standard 1.1: releases, packages of releases or records, arrays of packages. A release becomes a record for each thing
 * that its tags say is new: the tender or its amendment, each award, each contract. The tender's identity is its ocid under its buyer.
 * Parties are known by the identifiers that the release gives; addresses and contact points are not read, and a supplier who is a
 * natural person by its number is left out, because nothing on the ledger can be deleted.
 */
import { canonicalJson, type JsonObject } from '../../../chain/json.ts'
import { type Bilingual, both } from '../language.ts'
import { decimalOf, hashOf, type ImportItem, ItemProblem, keyOf, lineOf, mapped, otherPartyOf, present, textOf, timeOfText, usccPartyOf } from './item.ts' // biome-ignore format: one import

type Json = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const objectOf = (value: unknown): Json => (isObject(value) ? value : {})
const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : [])

/** Release tag → record type; null: no record is meant for it. Tags of one release are mapped each by itself. */
export const recordTypeOfTag: Readonly<Record<string, string | null>> = {
  planning: null,
  planningUpdate: null,
  tender: 'tender.notice',
  tenderAmendment: 'tender.amend',
  tenderUpdate: 'tender.amend',
  tenderCancellation: 'tender.terminate',
  award: 'tender.award',
  awardUpdate: 'tender.award',
  awardCancellation: null,
  contract: 'tender.contract',
  contractUpdate: 'tender.contract',
  contractAmendment: 'tender.contract',
  contractTermination: null,
  implementation: null,
  implementationUpdate: null,
  compiled: null,
}

/** Whatever the file holds, its releases. */
export function releasesOf(documents: readonly unknown[]): readonly Json[] {
  return documents.flatMap((document): readonly Json[] => {
    if (Array.isArray(document)) return releasesOf(document)
    if (!isObject(document)) return []
    if (Array.isArray(document.releases)) return listOf(document.releases)
    if (Array.isArray(document.records)) {
      return listOf(document.records).flatMap((record) => {
        const releases = listOf(record.releases).filter((release) => release.tag !== undefined)
        return releases.length > 0 || !isObject(record.compiledRelease) ? releases : [record.compiledRelease]
      })
    }
    return [document]
  })
}

export function mapOcds(documents: readonly unknown[]): readonly ImportItem[] {
  return releasesOf(documents).flatMap((release, at) => {
    const source = textOf(release.id) ?? textOf(release.ocid) ?? `#${at + 1}`
    const tags = (Array.isArray(release.tag) ? release.tag : [release.tag]).map((tag) => textOf(tag) ?? '')
    return tags.flatMap((tag) => itemsOfTag(release, tag, source))
  })
}

function itemsOfTag(release: Json, tag: string, source: string): readonly ImportItem[] {
  const type = Object.hasOwn(recordTypeOfTag, tag) ? recordTypeOfTag[tag] : undefined
  if (type === undefined) {
    return [mapped(source, () => fail(`不认识的 tag「${tag}」`, `the tag "${tag}" is not known`))]
  }
  if (type === null) {
    return [
      {
        kind: 'left-out',
        source,
        reason: both(`${tag}：没有对应的记录类型`, `${tag}: there is no record type for it`),
      },
    ]
  }
  const parts =
    type === 'tender.award' ? listOf(release.awards) : type === 'tender.contract' ? listOf(release.contracts) : [{}]
  if (parts.length === 0) {
    return [mapped(source, () => fail(`${tag} 中没有内容`, `the release is tagged ${tag} and holds none`))]
  }
  return parts.map((part, at) => {
    const name = parts.length === 1 ? source : `${source}/${textOf(part.id) ?? at + 1}`
    return mapped(name, () => itemOf(release, type, part, name))
  })
}

const fail = (zh: string, en: string): never => {
  throw new ItemProblem(zh, en)
}

function itemOf(release: Json, type: string, part: Json, source: string): ImportItem {
  const ocid = textOf(release.ocid) ?? fail('没有 ocid', 'has no ocid')
  const publishedAt = timeOfText(release.date) ?? fail('date 不是时间', 'its date is no time')
  const tender = objectOf(release.tender)
  const owner = ownerOf(release)
  const notes: Bilingual[] = []
  return {
    kind: 'statement',
    source,
    type: `${type}@1`,
    key: keyOf('ocds', `${type}:${source}`),
    about: `${owner}/ocds/${ocid}`,
    publishedAt,
    notes,
    fields: present({
      tender: present({
        owner,
        scheme: 'ocds',
        code: ocid,
        name: lineOf(tender.title ?? tender.description ?? part.title, 256),
      }),
      document: { ...hashOf(canonicalJson(release as JsonObject)) },
      publishedAt,
      source: { system: 'ocds', record: idOf(source, ocid) },
      ...ownFields(type, release, part, notes),
    }),
  }
}

/** The source's id where a code may be so long. */
const idOf = (source: string, ocid: string): string =>
  Array.from(source).length <= 64 && !/\s/.test(source) ? source : ocid

function ownFields(type: string, release: Json, part: Json, notes: Bilingual[]): JsonObject {
  const tender = objectOf(release.tender)
  switch (type) {
    case 'tender.notice':
      return present({
        kind: 'tender',
        profile: 'other',
        ownerName: lineOf(objectOf(release.buyer).name, 128),
        estimate: moneyOfValue(tender.value, notes),
        ...timesOf(tender, notes),
      })
    case 'tender.amend':
      return timesOf(tender, notes)
    case 'tender.terminate':
      return { reason: lineOf(tender.statusDetails ?? tender.title, 512) ?? 'tenderCancellation' }
    case 'tender.award':
      return present({
        winners: partiesOf(release, part.suppliers, notes),
        amount: moneyOfValue(part.value, notes),
        durationDays: daysOf(part.contractPeriod),
      })
    default: {
      const award = listOf(release.awards).find(({ id }) => id !== undefined && id === part.awardID)
      return present({
        contractor: partiesOf(release, part.suppliers ?? award?.suppliers, notes),
        amount: moneyOfValue(part.value, notes),
        durationDays: daysOf(part.period),
        signedAt: timeOfText(part.dateSigned),
      })
    }
  }
}

function timesOf(tender: Json, notes: Bilingual[]): JsonObject {
  const deadline = timeOfText(objectOf(tender.tenderPeriod).endDate)
  const opening = timeOfText(objectOf(tender.bidOpening).date)
  const isEarly = opening !== undefined && deadline !== undefined && Date.parse(opening) < Date.parse(deadline)
  if (isEarly) {
    notes.push(
      both(
        `开标 ${opening} 早于截止 ${deadline}，未录入开标时间`,
        `bids open at ${opening}, before the deadline of ${deadline}; the opening is left out`,
      ),
    )
  }
  return present({ deadline, openingTime: isEarly ? undefined : opening })
}

function daysOf(period: unknown): number | undefined {
  const days = objectOf(period).durationInDays
  return typeof days === 'number' && Number.isInteger(days) && days >= 1 && days <= 100_000 ? days : undefined
}

/** OCDS writes sums as JSON numbers; their shortest decimal spelling is the one that was meant. */
function moneyOfValue(value: unknown, notes: Bilingual[]): JsonObject | undefined {
  const { amount, currency } = objectOf(value)
  if (typeof amount !== 'number' || typeof currency !== 'string') return undefined
  const found = /^(\d+)(?:\.(\d+))?$/.exec(String(amount))
  const decimal = found === null ? undefined : decimalOf(found[1]!, found[2])
  if (decimal === undefined || !/^[A-Z]{3}$/.test(currency)) {
    notes.push(
      both(`金额 ${amount} ${currency} 无法录入`, `the sum ${amount} ${currency} cannot be written and is left out`),
    )
    return undefined
  }
  return decimal === '0' ? undefined : { amount: decimal, unit: '0', currency }
}

function ownerOf(release: Json): string {
  const buyer = isObject(release.buyer) ? release.buyer : objectOf(objectOf(release.tender).procuringEntity)
  return idOfParty(release, buyer) ?? fail('没有 buyer', 'names no buyer')
}

/** By the identifier of the parties' section, else of the reference itself. */
function idOfParty(release: Json, reference: Json): string | undefined {
  const id = textOf(reference.id)
  const party = listOf(release.parties).find((candidate) => id !== undefined && textOf(candidate.id) === id)
  const identifier = objectOf(party?.identifier ?? reference.identifier)
  const [scheme, number] = [textOf(identifier.scheme), textOf(identifier.id)]
  if (number !== undefined && scheme !== undefined) {
    return usccPartyOf(number) ?? otherPartyOf(scheme.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 32), number)
  }
  return id === undefined ? undefined : otherPartyOf('ocds', id)
}

/** Portuguese tax numbers of natural persons begin with 1, 2, 3 or 45. */
const isPerson = (party: string | undefined): boolean => /^id:PT-[A-Z]+:(?:[123]|45)\d+$/.test(party ?? '')

function partiesOf(release: Json, references: unknown, notes: Bilingual[]): readonly JsonObject[] | undefined {
  const parties = listOf(references).flatMap((reference) => {
    const party = idOfParty(release, reference)
    const name = lineOf(reference.name, 128)
    if (isPerson(party)) {
      notes.push(both('一名供应商是自然人，未录入', 'a supplier is a natural person and is left out'))
      return []
    }
    return name === undefined ? [] : [present({ party, name })]
  })
  if (parties.length > 20)
    notes.push(both('供应商多于 20 个，只录入前 20 个', 'more than 20 suppliers; the first 20 are carried over'))
  return parties.length === 0 ? undefined : parties.slice(0, 20)
}
