/** We are wrong: a condition that our own code guarantees does not hold. On in production; the process stops rather than guess. */
export class AssertionFailed extends Error {
  override readonly name = 'AssertionFailed'
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailed(message)
}

export function assertNever(value: never): never {
  throw new AssertionFailed(`unexpected ${JSON.stringify(value)}`)
}
