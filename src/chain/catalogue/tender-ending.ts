/** How a tender ends without or after a result: it fails (as a whole or by section), is terminated, withdrawn, and is put in the archive. */
import type { Role } from './register.ts'
import { tenderKey } from './tender-identity.ts'
import { publishers, refuseBeforeTenderOpening, refuseStranger, tenderLife } from './tender-life.ts'
import {
  type AboutTender,
  aboutTenderFields,
  aboutTenderRequired,
  findLateRecord,
  stepOfSection,
  tenderSubjects,
  writeStep,
} from './tender-record.ts'
import { refuse, wordsField } from './values.ts'

interface Ending extends AboutTender {
  readonly reason: string
}

const reasonFields = { ...aboutTenderFields, reason: wordsField('原因', 'Reason', 512) }
const reasonRequired = [...aboutTenderRequired, 'reason']

export const fail = tenderLife.step<Ending>({
  name: 'tender.fail',
  version: 1,
  title: { zh: '流标（废标）', en: 'A tender or section fails' },
  law: {
    zh: '《招标投标法》第二十八、四十二条；《政府采购法》第三十六条。',
    en: 'Tendering and Bidding Law arts. 28, 42; Government Procurement Law art. 36.',
  },
  schema: { properties: reasonFields, required: reasonRequired },
  roles: [...publishers, 'supervisor'],
  refusals: {
    'tender.section-needed': {
      zh: {
        title: '须写明标段',
        cause: '项目已定标，流标只能针对其他标段；已定标的项目请用终止。',
        remedy: '请填写 section，或改用 tender.terminate。',
      },
      en: {
        title: 'Name the section',
        cause: 'The tender is awarded, so only another section of it can fail; an awarded tender is terminated.',
        remedy: 'Give section, or use tender.terminate.',
      },
    },
  },
  absent: 'unlinked',
  key: ({ tender }) => tenderKey(tender),
  check({ tender, section }, context, before) {
    refuseStranger(tender, context, before, ['supervisor'])
    // That too few came is known when bids are opened.
    refuseBeforeTenderOpening(tender, context)
    const isAwarded = before?.state === 'awarded' || before?.state === 'contracted'
    if (isAwarded && section === undefined) {
      throw refuse('tender.section-needed', '/section', '已定标，须写明标段', 'is missing: the tender is awarded')
    }
  },
  next(payload, context, before) {
    const { row, state } = before!
    findLateRecord(payload, context)
    writeStep('fail', payload, context)
    const hasFailed = (section: string): boolean =>
      section === payload.section || stepOfSection('fail', payload.tender, section, context) !== undefined
    const isWhole = payload.section === undefined || (row.sections.length > 0 && row.sections.every(hasFailed))
    return { state: isWhole && state !== 'awarded' && state !== 'contracted' ? 'failed' : state }
  },
  unlinked(payload, context) {
    findLateRecord(payload, context)
    writeStep('fail', payload, context)
  },
  subjects: (payload) => tenderSubjects(payload),
})

const ending = (
  name: 'terminate' | 'withdraw' | 'archive',
  title: { readonly zh: string; readonly en: string },
  besides: readonly Role[],
  fields: 'with a reason' | 'without',
) =>
  tenderLife.step<AboutTender>({
    name: `tender.${name}`,
    version: 1,
    title,
    law: {
      zh: '《招标投标法实施条例》第三十一条（终止招标及时公告并退还保证金）；《招标投标法》第三十六条（存档备查）。',
      en: 'Implementing Regulations art. 31 (a termination is announced and bonds returned); Tendering and Bidding Law art. 36 (records are kept).',
    },
    schema:
      fields === 'without'
        ? { properties: aboutTenderFields, required: aboutTenderRequired }
        : { properties: reasonFields, required: reasonRequired },
    roles: [...publishers, ...besides],
    absent: 'unlinked',
    key: ({ tender }) => tenderKey(tender),
    check: ({ tender }, context, before) => refuseStranger(tender, context, before, besides),
    next(payload, context) {
      findLateRecord(payload, context)
      return {}
    },
    unlinked: findLateRecord,
    subjects: (payload) => tenderSubjects(payload),
  })

export const terminate = ending('terminate', { zh: '终止', en: 'Terminate a tender' }, ['supervisor'], 'with a reason')
export const withdraw = ending('withdraw', { zh: '撤回公告', en: 'Withdraw a tender' }, [], 'with a reason')
export const archive = ending('archive', { zh: '归档', en: 'Archive a tender' }, [], 'without')
