/**
 * Where an audit reads from: a node, a file server that holds an export, or a directory. All of them hold the same files under the same paths
 * (docs/auditing.md). A source is a stranger: whatever it gives is bounded before it is read, and believed by nobody.
 */

import type { FaultKind } from '../../chain/fault.ts'

export interface Source {
  /** As whoever runs the audit named it: a URL or a directory. */
  readonly name: string
  /**
   * The whole file; undefined when the source says that it has none.
   * @throws {NoAnswer} when it could not be asked; from then on always
   * @throws {WrongAnswer} when it gives more bytes than the file can have
   */
  get(path: string, bytesMax: number): Promise<Uint8Array | undefined>
}

/** The source does not answer, or not in a time that lets work end. Nobody is at fault by that. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
}

/** The source answers, and no honest one answers so. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer'
}

/** What an audit found at a source. */
export interface Finding {
  readonly code: FindingCode
  /** The source's name. */
  readonly source: string
  /** Path at the source. */
  readonly file: string
  /** Of the first entry that differs, where that is known. */
  readonly index?: number
  /** Of the block. */
  readonly height?: number
  /** In English: what is wrong, here. */
  readonly detail: string
  /** Members whose own signatures contradict each other. Only those are ever named. */
  readonly accused?: readonly Accused[]
}

export interface Accused {
  readonly member: string
  readonly name: string
  readonly kid: string
  /** As `fault.ts` has it; undefined where the two signatures contradict each other and are no fault proof: a time that cannot be. */
  readonly kind?: FaultKind
  /** Name of the fault proof's file. */
  readonly proof?: string
}

export type FindingCode =
  | 'audit.genesis-differs'
  | 'audit.policy-differs'
  | 'audit.checkpoint-bad'
  | 'audit.block-invalid'
  | 'audit.block-differs'
  | 'audit.tile-differs'
  | 'audit.entry-differs'
  | 'audit.missing'
  | 'audit.wrong-answer'
  | 'audit.rolled-back'
  | 'audit.forked'
  | 'audit.back-dated'
  | 'audit.no-answer'

/** The audit could not look there; everything else in the list is a contradiction. */
export const isIncomplete = ({ code }: Finding): boolean => code === 'audit.no-answer'

/** The finding that a failed `get` amounts to. Errors of ours are thrown on. */
export function failureOf(error: unknown, source: string, file: string): Finding {
  if (error instanceof NoAnswer) return { code: 'audit.no-answer', source, file, detail: error.message }
  if (error instanceof WrongAnswer) return { code: 'audit.wrong-answer', source, file, detail: error.message }
  throw error
}
