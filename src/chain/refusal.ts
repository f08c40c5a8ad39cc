/**
 * A refusal: the caller's input breaks a rule. Every refusal has a stable code that programs can rely on, and words for people in
 * Chinese and English. The codes that belong to one record type are declared in that type's file; the general ones are here.
 */

export interface RefusalWords {
  readonly title: string
  readonly cause: string
  readonly remedy: string
}

/** The words for one stable code. */
export interface RefusalText {
  readonly zh: RefusalWords
  readonly en: RefusalWords
}

export type RefusalTexts = Readonly<Record<string, RefusalText>>

/** One field that is wrong, as a JSON pointer (RFC 6901) into the payload. */
export interface FieldProblem {
  readonly pointer: string
  readonly problem: string
}

/** A rule refuses this input. Thrown by the chain's parsers and rules; never a bug of ours, never fatal. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: string
  readonly fields: readonly FieldProblem[]

  constructor(code: string, detail = code, fields: readonly FieldProblem[] = []) {
    super(detail)
    this.code = code
    this.fields = fields
  }
}
