/**
 * The life of one evaluation (one tender, section and round), as data; and the two things that are hashed and signed outside the ledger and
 * checked on it: the commitment to the draw, and what a seat signs of the report. `remote-evaluation.ts` tells what they are for.
 */
import { sha256 } from '#crypto'
import { toHex, utf8 } from '../bytes.ts'
import { canonicalJson, type JsonObject } from '../json.ts'
import { Refusal, type RefusalTexts } from '../refusal.ts'
import { Lifecycle } from './lifecycle.ts'
import type { Instance } from './statement-type.ts'
import { type Key, list, natural, nested, optional, type RowOf, text } from './table.ts'
import { type TenderIdentity, tenderKey, tenderSubject } from './tender-identity.ts'
import { codeField, type DocumentHash, hashText, named, tenderField } from './values.ts'

const seat = {
  /** The party whose room it is in. */
  venue: text,
  region: text,
  /** `expert` or `owner` (招标人代表). */
  capacity: text,
  /** The one-time key that the venue gave it; null until it accepts. */
  key: optional(text),
  /** `present`, `replaced`, `absent`; empty: not recorded. */
  presence: text,
}

export const evaluationLife = new Lifecycle({
  name: 'remote-evaluation',
  title: { zh: '远程异地评标', en: 'remote evaluation' },
  states: {
    drawn: { zh: '抽取已承诺', en: 'Draw committed' },
    seated: { zh: '席位已定，待会场接受', en: 'Seated, venues to accept' },
    ready: { zh: '各会场已接受', en: 'All venues have accepted' },
    evaluating: { zh: '评标中', en: 'Evaluating' },
    reported: { zh: '已出评标报告', en: 'Reported' },
    revealed: { zh: '抽取已公开', en: 'Draw revealed' },
    cancelled: { zh: '已取消', en: 'Cancelled' },
  },
  columns: {
    /** 主场: whoever committed the draw; seats, reports and reveals. */
    lead: text,
    region: text,
    /** Kind of trade; empty when neither the tender nor the draw says. */
    profile: text,
    commitment: text,
    /** Signatures that the report needs: k of the seats. */
    threshold: natural,
    /** Numbered from 1. */
    seats: list(nested(seat)),
    report: optional(text),
    signed: list(natural),
  },
  byRecord: [
    { on: 'remote-evaluation.draw', from: ['none'], to: 'drawn' },
    // Seating anew: whoever had accepted accepts again.
    { on: 'remote-evaluation.seat', from: ['drawn', 'seated'], to: 'seated' },
    { on: 'remote-evaluation.accept', from: ['seated'], to: ['seated', 'ready'] },
    { on: 'remote-evaluation.decline', from: ['seated', 'ready'], to: 'drawn' },
    { on: 'remote-evaluation.presence', from: ['ready', 'evaluating'], to: 'evaluating' },
    { on: 'remote-evaluation.report', from: ['evaluating'], to: 'reported' },
    { on: 'remote-evaluation.reveal', from: ['reported'], to: 'revealed' },
    { on: 'remote-evaluation.cancel', from: ['drawn', 'seated', 'ready', 'evaluating'], to: 'cancelled' },
  ],
  byClock: [],
})

export type SeatRow = RowOf<typeof seat>
export type Evaluation = Instance<keyof typeof evaluationLife.states, RowOf<typeof evaluationLife.columns>>

export interface EvaluationIdentity {
  readonly tender: TenderIdentity
  readonly section?: string
  readonly round: number
}

/** What every record about an evaluation says. */
export interface AboutEvaluation extends EvaluationIdentity {
  readonly party: string
}

export const aboutFields = {
  tender: tenderField,
  section: codeField('标段', 'Section'),
  round: named('轮次', 'Round', {
    description: '重新评标为下一轮 / an evaluation done again is the next round',
    type: 'integer',
    minimum: 1,
    maximum: 99,
  }),
}
export const aboutRequired = ['tender', 'round'] as const

export const allianceLaw = {
  zh: '国办函〔2019〕41 号（推行远程异地评标）；西部联盟合作（2021）之“跨省远程异地评标”。',
  en: 'Guobanhan [2019] 41 (remote evaluation); “remote evaluation across provinces” of the western alliance (2021).',
}

/** Who leads and who hosts. */
export const venues = ['centre', 'sub-centre', 'trading-platform'] as const

/** Seats of one evaluation; the largest committees have 9 or 11. */
export const seatsMax = 25

export const seatNumberField = named('席位号', 'Seat number', { type: 'integer', minimum: 1, maximum: seatsMax })

export const evaluationKey = ({ tender, section = '', round }: EvaluationIdentity): Key => [
  ...tenderKey(tender),
  section,
  String(round),
]

export const subjectsOf = ({ tender }: EvaluationIdentity) => ({
  owner: tender.owner,
  tender: tender.code,
  parties: [tender.owner],
  subjects: [tenderSubject(tender)],
})

/** The seat of this number; undefined when there is none. */
export const seatOf = ({ row }: Evaluation, number: number): SeatRow | undefined => row.seats[number - 1]

export const isSeated = ({ presence }: SeatRow): boolean => presence === 'present' || presence === 'replaced'

export const leadRefusals: RefusalTexts = {
  'remote-evaluation.not-lead': {
    zh: {
      title: '不是主场',
      cause: '席位、报告、公开抽取与取消由承诺抽取的主场提交。',
      remedy: '请由主场提交。',
    },
    en: {
      title: 'Not the lead',
      cause: 'Seats, report, reveal and cancellation come from the centre that committed the draw.',
      remedy: 'Have the lead submit this.',
    },
  },
}

export function refuseOtherLead(party: string, { row }: Evaluation): void {
  if (row.lead !== party) throw new Refusal('remote-evaluation.not-lead', `${row.lead} leads this evaluation`)
}

// ---- what is hashed and signed elsewhere ---------------------------------------------------------------------------------------------

/** Who was drawn: salted ids (`person:…`), those for the seats in order, then those who step in; and 32 random bytes as hex. */
export interface Draw {
  readonly experts: readonly string[]
  readonly reserves: readonly string[]
  readonly nonce: string
}

/** SHA-256 of the canonical JSON (RFC 8785) of the draw with ledger and evaluation, as hex. Without the nonce anybody could try out a draw. */
export function drawCommitment(ledger: string, evaluation: EvaluationIdentity, draw: Draw): string {
  const { experts, reserves, nonce } = draw
  const committed = { ...nameOf('remote-evaluation.draw-commitment@1', ledger, evaluation), experts, reserves, nonce }
  return toHex(sha256(utf8(canonicalJson(committed))))
}

/** What the key of a seat signs: the canonical JSON of the report's hash with ledger, evaluation and seat. */
export function reportMessage(
  ledger: string,
  evaluation: EvaluationIdentity,
  seat: number,
  report: DocumentHash,
): Uint8Array {
  const said = { ...nameOf('remote-evaluation.report-signature@1', ledger, evaluation), seat, report: hashText(report) }
  return utf8(canonicalJson(said))
}

function nameOf(type: string, ledger: string, { tender, section = '', round }: EvaluationIdentity): JsonObject {
  const { owner, scheme, code } = tender
  return { type, ledger, owner, scheme, code, section, round }
}
