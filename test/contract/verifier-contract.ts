/** What every implementation of the `Verifier` port does. Run over both twins in `verifier.test.ts`. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ed25519PublicKey, ed25519Sign } from '#crypto'
import { taggedEd25519 } from '../../src/chain/keys.ts'
import type { SignatureCheck, Verifier } from '../../src/node/ports.ts'

export interface VerifierWorld {
  readonly verifier: Verifier
  until(condition: () => boolean): Promise<void>
  close(): Promise<void>
}

const seed = new Uint8Array(32).fill(9)
const publicKey = taggedEd25519(ed25519PublicKey(seed))

/** A good check for each index below `count`; `bad` names those that are spoilt, each in another way. */
export function checksOf(count: number, bad: readonly number[] = []): SignatureCheck[] {
  return Array.from({ length: count }, (_, index) => {
    const message = Uint8Array.of(index & 255, index >> 8, ...new Uint8Array(index % 50))
    const good: SignatureCheck = { publicKey, message, signature: ed25519Sign(seed, message) }
    if (!bad.includes(index)) return good
    const spoilt: SignatureCheck[] = [
      { ...good, message: Uint8Array.of(1, 2, 3) },
      { ...good, signature: good.signature.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) },
      { ...good, signature: new Uint8Array(64) },
      { ...good, signature: new Uint8Array(0) },
      { ...good, signature: new Uint8Array(70_000) },
      { ...good, publicKey: new Uint8Array(33) },
      { ...good, publicKey: new Uint8Array(0) },
      { ...good, publicKey: good.publicKey.map((byte, at) => (at === 0 ? 2 : byte)) },
    ]
    return spoilt[bad.indexOf(index) % spoilt.length]!
  })
}

export function verifierContract(name: string, makeWorld: () => Promise<VerifierWorld>): void {
  describe(`Verifier: ${name}`, () => {
    let world: VerifierWorld

    beforeEach(async () => {
      world = await makeWorld()
    })
    afterEach(() => world.close())

    async function verdictsOf(checks: readonly SignatureCheck[]): Promise<readonly boolean[]> {
      let verdicts: readonly boolean[] | undefined
      world.verifier.check(checks, (answer) => {
        expect(verdicts, 'answered once').toBeUndefined()
        verdicts = answer
      })
      expect(verdicts, 'not before check has returned').toBeUndefined()
      await world.until(() => verdicts !== undefined)
      return verdicts!
    }

    test.each([0, 1, 3, 4, 20, 300])('%i checks, all good', async (count) => {
      expect(await verdictsOf(checksOf(count))).toEqual(new Array(count).fill(true))
    })

    test.each([1, 3, 20, 300])('%i checks: every bad one is found, in its place', async (count) => {
      const bad = [0, 2, 7, 8, 9, 12, 13, 19, 127, 128, 255, 299].filter((index) => index < count)
      const expected = Array.from({ length: count }, (_, index) => !bad.includes(index))
      expect(await verdictsOf(checksOf(count, bad))).toEqual(expected)
    })

    test('many calls at once, each gets its own verdicts, also when one of them asks again', async () => {
      const answers: (readonly boolean[])[] = []
      for (let call = 0; call < 40; call++) {
        const count = call % 7
        const bad = count > 3 ? [call % count] : []
        world.verifier.check(checksOf(count, bad), (verdicts) => {
          answers[call] = verdicts
          if (call === 39) world.verifier.check(checksOf(2, [1]), (more) => answers.push(more))
        })
      }
      await world.until(() => answers.filter(Boolean).length === 41)
      for (let call = 0; call < 40; call++) {
        const count = call % 7
        expect(answers[call]).toEqual(Array.from({ length: count }, (_, index) => count <= 3 || index !== call % count))
      }
      expect(answers[40]).toEqual([true, false])
    })
  })
}
