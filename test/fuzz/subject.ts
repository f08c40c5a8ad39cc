/**
 * What is fuzzed: a subject has valid inputs, a way to mutate them, and a judge. The judge gives a word for how the input ended —
 * `accepted`, or the stable code it was refused with — and throws for everything else: an error that is not documented, a code that
 * is not known, a value with two spellings, an accepted input that does not hold what was checked.
 */
import type { Random } from '../../src/node/ports.ts'

export interface Subject {
  readonly name: string
  /** Valid inputs; each is accepted as it stands. */
  seeds(): readonly Uint8Array[]
  mutate(input: Uint8Array, other: Uint8Array, draw: Random): Uint8Array
  judge(input: Uint8Array): string | Promise<string>
  /** Heap and buffers that one input may take, beyond `bytesBase`, for each of its bytes; 40 unless said. */
  readonly bytesPerByte?: number
  /** How often compared with the others, because one run costs more: 1 unless said. */
  readonly share?: number
}

export const accepted = 'accepted'

/** A property of the subject does not hold. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

export function hold(condition: unknown, what: string): asserts condition {
  if (!condition) throw new Violation(what)
}

interface Coded {
  readonly code: string
}

/** Runs a reader that may refuse by errors of this type only, with one of these codes. */
export function refusedOr(
  type: abstract new (...args: never) => Error,
  codes: ((code: string) => boolean) | undefined,
  read: () => void,
): string {
  try {
    read()
    return accepted
  } catch (error) {
    if (!(error instanceof type)) throw error
    const { code } = error as Partial<Coded>
    if (codes === undefined) return error.name
    hold(code !== undefined && codes(code), `an undocumented code: ${code}`)
    return code
  }
}

export const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf8'))

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** The text of these bytes, or undefined when they are none: for readers that are given text by somebody who checked. */
export function textOf(input: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(input)
  } catch {
    return undefined
  }
}

/** As JavaScript hands text around: every unit any, lone surrogates included. */
export const looseText = (input: Uint8Array): string =>
  textOf(input) ?? Buffer.from(input.subarray(0, input.length & ~1)).toString('utf16le')
