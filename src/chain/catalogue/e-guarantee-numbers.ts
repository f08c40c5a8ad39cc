/**
 * One number of one issuer is one guarantee, and one document stands under one number: across members, and across guarantees with a
 * whole life and those that were published once (`guarantee.submit@1`), which share these rows. The issuer's own word decides: what a
 * platform, or a key in one member's scope, said before of the same number keeps nobody out, and is flagged where it differs.
 */
import { field } from '../cbor.ts'
import { Refusal, type RefusalTexts } from '../refusal.ts'
import type { GuaranteeIdentity } from './e-guarantee-life.ts'
import { documentRow, numberRow } from './guarantee.ts'
import type { RuleContext } from './statement-type.ts'
import { type DocumentHash, hashText } from './values.ts'

/** Of the issuer's own word, in the rows of `guarantee.submit@1`. */
const own = 'issuer'
const relayed = 'relayed'

interface Registered {
  readonly index: number
  readonly issuer: string
  readonly number: string
}

function documentOf(standing: string, document: DocumentHash, context: RuleContext): Registered | undefined {
  const row = context.state.get(documentRow(standing, { document }))
  if (row === undefined) return undefined
  const [, index, issuer, number] = field.array(row, 'guarantee document row', 4)
  return {
    index: field.natural(index, 'index'),
    issuer: field.text(issuer, 'issuer'),
    number: field.text(number, 'number'),
  }
}

function numberOf(standing: string, { issuer, number }: GuaranteeIdentity, context: RuleContext) {
  const row = context.state.get(numberRow(standing, { issuer: { party: issuer }, number }))
  if (row === undefined) return undefined
  const [, index, document] = field.array(row, 'guarantee row', 3)
  return { index: field.natural(index, 'index'), document: field.text(document, 'document') }
}

/** @throws {Refusal} guarantee.number-taken when the issuer itself published this number before */
export function refuseTakenNumber(guarantee: GuaranteeIdentity, context: RuleContext): void {
  const before = numberOf(own, guarantee, context)
  if (before === undefined) return
  const { issuer, number } = guarantee
  const detail = `number ${number} of ${issuer} is record ${before.index}, document ${before.document}`
  throw new Refusal('guarantee.number-taken', detail, [
    { pointer: '/number', problem: `已见于记录 ${before.index} | is in record ${before.index}` },
  ])
}

/** @throws {Refusal} guarantee.document-taken when the document stands under another number; the refusal names both */
export function refuseTakenDocument(guarantee: GuaranteeIdentity, document: DocumentHash, context: RuleContext): void {
  const before = documentOf(own, document, context)
  if (before === undefined || isSame(before, guarantee)) return
  const [here, there] = [guarantee, before].map(({ issuer, number }) => `number ${number} of ${issuer}`)
  const detail = `${hashText(document)} of ${here} stands in record ${before.index} as ${there}`
  throw new Refusal('guarantee.document-taken', detail, [
    {
      pointer: '/document',
      problem: `已见于记录 ${before.index}，编号 ${before.number} | is in record ${before.index} as number ${before.number}`,
    },
  ])
}

/** @throws {Refusal} guarantee.other-document when the issuer never put this document under this number */
export function refuseOtherDocument(guarantee: GuaranteeIdentity, document: DocumentHash, context: RuleContext): void {
  const registered = documentOf(own, document, context)
  if (registered !== undefined && isSame(registered, guarantee)) return
  const stands =
    registered === undefined
      ? 'nowhere'
      : `in record ${registered.index} as number ${registered.number} of ${registered.issuer}`
  const detail = `${hashText(document)} is no version of number ${guarantee.number} of ${guarantee.issuer}; it stands ${stands}`
  throw new Refusal('guarantee.other-document', detail, [
    { pointer: '/document', problem: '不是该保函的文件 | is no document of this guarantee' },
  ])
}

/** Writes the number and its document down as the issuer's own, and flags what others said otherwise. */
export function registerNumber(guarantee: GuaranteeIdentity, document: DocumentHash, context: RuleContext): void {
  const { state, index } = context
  const { issuer, number } = guarantee
  const sameNumber = numberOf(relayed, guarantee, context)
  const sameDocument = documentOf(relayed, document, context)
  if (sameNumber !== undefined && sameNumber.document !== hashText(document)) {
    context.find('guarantee.relayed-otherwise', String(sameNumber.index))
  } else if (sameDocument !== undefined && !isSame(sameDocument, guarantee)) {
    context.find('guarantee.relayed-otherwise', String(sameDocument.index))
  }
  state.set(numberRow(own, { issuer: { party: issuer }, number }), [1, index, hashText(document)])
  state.set(documentRow(own, { document }), [1, index, issuer, number])
}

const isSame = (a: GuaranteeIdentity, b: GuaranteeIdentity): boolean => a.issuer === b.issuer && a.number === b.number

export const numberRefusals: RefusalTexts = {
  'guarantee.number-taken': {
    zh: {
      title: '保函编号已使用',
      cause: '该出具人已就这一编号提交过保函。',
      remedy: '请核对编号；一个编号只对应一份保函。',
    },
    en: {
      title: 'Number taken',
      cause: 'The issuer has a guarantee of this number on the ledger.',
      remedy: 'Check the number; one number is one guarantee.',
    },
  },
  'guarantee.document-taken': {
    zh: {
      title: '保函文件已在另一编号之下',
      cause: '同一保函文件已登记在另一编号之下（一函多用）。',
      remedy: '请按所列两个编号与记录核实。',
    },
    en: {
      title: 'Document taken',
      cause: 'The same document stands under another number: it is being used twice.',
      remedy: 'Compare the two numbers and records that the answer names.',
    },
  },
  'guarantee.other-document': {
    zh: {
      title: '不是该保函的文件',
      cause: '该文件哈希不是此保函任何一个版本的文件。',
      remedy: '请核对文件；保函变更后新旧版本均可绑定。',
    },
    en: {
      title: 'Another document',
      cause: 'The document is no version of this guarantee.',
      remedy: 'Check the document; after an amendment both versions may be bound.',
    },
  },
}

export const numberFindings: RefusalTexts = {
  'guarantee.relayed-otherwise': {
    zh: {
      title: '与此前代为公开的保函不符',
      cause: '记录 {0} 由平台或中心代为公开，其编号或文件与出具人本次所述不一致。',
      remedy: '请监管部门核查该记录中的保函是否系伪造或一函多用。',
    },
    en: {
      title: 'Unlike what was published for the issuer',
      cause:
        'Record {0}, submitted by a platform or centre, has this number with another document, or this document with another number.',
      remedy: 'The supervisor asks whether the guarantee in that record was forged or used twice.',
    },
  },
}
