import fc from 'fast-check'
import { CompactSign, importJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { ed25519PublicKey, ed25519Sign } from '#crypto'
import { fromUtf8, toBase64Url, toHex, utf8 } from '../../src/chain/bytes.ts'
import { decodeCbor, encodeCbor } from '../../src/chain/cbor.ts'
import { canonicalJson, type JsonObject } from '../../src/chain/json.ts'
import { kidOf, taggedEd25519, verifySignature } from '../../src/chain/keys.ts'
import { Refusal } from '../../src/chain/refusal.ts'
import {
  idempotencyKeyCharactersMax,
  joinStatement,
  parseStatement,
  partyCharactersMax,
  rereadStatement,
  signStatement,
  statementBytesMax,
  statementIdOf,
  statementMessage,
  statementRefusals,
} from '../../src/chain/statement.ts'

const seed = utf8('statement test, 32 bytes of seed').subarray(0, 32)
const tagged = taggedEd25519(ed25519PublicKey(seed))
const kid = kidOf(tagged)
const signer = { tagged, sign: (message: Uint8Array) => ed25519Sign(seed, message) }
const ledger = 'ab'.repeat(32)
const payload = { ledger, type: 'attest.hash@1', party: 'uscc:91440400192548256N', key: 'N350/1', title: '开标记录' }

const refusalOf = (run: () => unknown): Refusal => {
  try {
    run()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('accepted')
}
const base64url = (text: string): string => toBase64Url(utf8(text))
const header = base64url(`{"alg":"EdDSA","kid":"${kid}","typ":"gongzheng"}`)
const signature = toBase64Url(new Uint8Array(64))
/** A statement of parts, not validly signed: reading does not ask. */
const parts = (payloadText: string, headerPart = header): string =>
  `${headerPart}.${base64url(payloadText)}.${signature}`

describe('a statement that its party signed', () => {
  const jws = signStatement(payload, signer)
  const statement = parseStatement(jws, ledger)

  it('reads back with its common fields, key and signature', () => {
    expect(statement).toMatchObject({ jws, type: payload.type, party: payload.party, key: payload.key, kid, payload })
    expect(statement.signingKey).toEqual(tagged)
    expect(fromUtf8(statement.message)).toBe(jws.slice(0, jws.lastIndexOf('.')))
    expect(verifySignature(statement.signingKey, statement.message, statement.signature)).toBe(true)
  })

  it('layout.md decision 3: its id is the SHA-256 of the CBOR of [1, party, RFC 8785 payload bytes]', async () => {
    const bytes = encodeCbor([1, payload.party, utf8(canonicalJson(payload))])
    expect(statement.id).toBe(toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))))
    expect(decodeCbor(bytes)).toEqual([1, payload.party, statement.canonicalPayload])
  })

  it('can be signed in two steps, for signers that answer later', () => {
    const message = statementMessage(payload, tagged)
    expect(joinStatement(message, ed25519Sign(seed, message))).toBe(jws)
  })

  it('keeps its id under another spelling of the payload, and under another key', () => {
    const spelled = JSON.stringify(Object.fromEntries(Object.entries(payload).reverse()), null, 1)
    const other = parseStatement(parts(spelled), ledger)
    expect(other.id).toBe(statement.id)
    expect(other.canonicalPayload).toEqual(statement.canonicalPayload)
    const otherSeed = new Uint8Array(32).fill(7)
    const otherKey = taggedEd25519(ed25519PublicKey(otherSeed))
    const resigned = signStatement(payload, { tagged: otherKey, sign: (message) => ed25519Sign(otherSeed, message) })
    expect(parseStatement(resigned, ledger).id).toBe(statement.id)
  })

  it('says the same when it is read again without its checks, however it is spelled', () => {
    const spelled = parts(JSON.stringify(Object.fromEntries(Object.entries(payload).reverse()), null, 1))
    for (const each of [jws, spelled]) {
      const { kid, type, party, payload, id } = parseStatement(each, ledger)
      const again = rereadStatement(each)
      expect(again).toMatchObject({ kid, type, party, payload })
      expect(JSON.stringify(again.payload)).toBe(JSON.stringify(payload))
      expect(statementIdOf(again)).toBe(id)
    }
  })

  it('has another id when anything in the payload differs', () => {
    const ids = [{ key: 'N350/2' }, { party: 'uscc:914403001922038216' }, { title: '开标记录 ' }].map(
      (change) => parseStatement(signStatement({ ...payload, ...change }, signer), ledger).id,
    )
    expect(new Set([statement.id, ...ids]).size).toBe(4)
  })
})

describe('jose, as a client would use it', () => {
  it('makes statements the ledger accepts, byte for byte what signStatement makes', async () => {
    const key = await importJWK(
      { kty: 'OKP', crv: 'Ed25519', d: toBase64Url(seed), x: toBase64Url(ed25519PublicKey(seed)) },
      'EdDSA',
    )
    const jws = await new CompactSign(utf8(JSON.stringify(payload)))
      .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'gongzheng' })
      .sign(key)
    const statement = parseStatement(jws, ledger)
    expect(verifySignature(statement.signingKey, statement.message, statement.signature)).toBe(true)
    expect(statement.id).toBe(parseStatement(signStatement(payload, signer), ledger).id)

    const canonical = await new CompactSign(utf8(canonicalJson(payload)))
      .setProtectedHeader({ alg: 'EdDSA', kid, typ: 'gongzheng' })
      .sign(key)
    expect(canonical).toBe(signStatement(payload, signer))
  })
})

describe('parseStatement refuses', () => {
  const text = canonicalJson(payload)
  const good = parts(text)

  it('nothing of the statement the cases below are made from', () => {
    expect(parseStatement(good, ledger).key).toBe(payload.key)
  })

  it.each<[string, string]>([
    ['nothing at all', ''],
    ['two parts', good.slice(0, good.lastIndexOf('.'))],
    ['four parts', `${good}.AA`],
    ['a dot at the end', `${good}.`],
    ['an empty signature', good.slice(0, good.lastIndexOf('.') + 1)],
    ['a signature of 63 bytes', `${header}.${base64url(text)}.${toBase64Url(new Uint8Array(63))}`],
    ['a padded signature', `${good}==`],
    ['a signature with stray bits', `${good.slice(0, -1)}B`],
    ['standard base64', good.replace(header, header.replaceAll('-', '+').replaceAll('_', '/').concat('='))],
    ['white space', ` ${good}`],
    ['a line break in the payload', good.replace('.', '.\n')],
    ['a full-width letter in the payload', good.replace('.', '.ａ')],
    ['a header in another order', parts(text, base64url(`{"kid":"${kid}","alg":"EdDSA","typ":"gongzheng"}`))],
    ['a header with a space', parts(text, base64url(`{"alg":"EdDSA", "kid":"${kid}","typ":"gongzheng"}`))],
    [
      'a header with more in it',
      parts(text, base64url(`{"alg":"EdDSA","b64":false,"kid":"${kid}","typ":"gongzheng"}`)),
    ],
    ['a header without typ', parts(text, base64url(`{"alg":"EdDSA","kid":"${kid}"}`))],
    ['alg none', parts(text, base64url(`{"alg":"none","kid":"${kid}","typ":"gongzheng"}`))],
    ['an unknown key algorithm', parts(text, base64url(`{"alg":"EdDSA","kid":"Ag${kid.slice(2)}","typ":"gongzheng"}`))],
    ['a short kid', parts(text, base64url(`{"alg":"EdDSA","kid":"${kid.slice(0, 40)}","typ":"gongzheng"}`))],
    ['a payload that is an array', parts('[]')],
    ['a payload that is null', parts('null')],
    ['a payload that is not UTF-8', `${header}.${toBase64Url(Uint8Array.of(0x22, 0xff, 0x22))}.${signature}`],
    ['no key', parts(canonicalJson({ ledger, type: payload.type, party: payload.party }))],
    ['a key that is a number', parts(canonicalJson({ ...payload, key: 1 }))],
    ['an empty key', parts(canonicalJson({ ...payload, key: '' }))],
    ['a key with a line break', parts(canonicalJson({ ...payload, key: 'a\n' }))],
    ['a key too long', parts(canonicalJson({ ...payload, key: 'a'.repeat(idempotencyKeyCharactersMax + 1) }))],
    ['a type without a version', parts(canonicalJson({ ...payload, type: 'attest.hash' }))],
    ['a type of version 0', parts(canonicalJson({ ...payload, type: 'attest.hash@0' }))],
    ['a party with a space', parts(canonicalJson({ ...payload, party: 'id:x:a b' }))],
    ['a party too long', parts(canonicalJson({ ...payload, party: 'x'.repeat(partyCharactersMax + 1) }))],
    ['a ledger that is no id', parts(canonicalJson({ ...payload, ledger: 'devnet' }))],
  ])('%s: statement.malformed', (_, jws) => {
    expect(refusalOf(() => parseStatement(jws, ledger)).code).toBe('statement.malformed')
  })

  it('names the common field that is missing', () => {
    const refusal = refusalOf(() => parseStatement(parts('{}'), ledger))
    expect(refusal.fields).toEqual([{ pointer: '/type', problem: '缺少字段 | is missing' }])
  })

  it('a doubled name, a lone surrogate, an unsafe number: json.malformed', () => {
    for (const bad of [
      `${text.slice(0, -1)},"key":"x"}`,
      text.replace('开', '\\ud800'),
      text.replace('"开标记录"', '1e99'),
    ]) {
      expect(refusalOf(() => parseStatement(parts(bad), ledger)).code).toBe('json.malformed')
    }
  })

  it('a statement for another ledger: statement.wrong-ledger', () => {
    expect(refusalOf(() => parseStatement(good, 'cd'.repeat(32))).code).toBe('statement.wrong-ledger')
  })

  it(`more than ${statementBytesMax} characters: statement.too-large, before anything is decoded`, () => {
    expect(refusalOf(() => parseStatement('x'.repeat(statementBytesMax + 1), ledger)).code).toBe('statement.too-large')
    expect(refusalOf(() => parseStatement('x'.repeat(statementBytesMax), ledger)).code).toBe('statement.malformed')
  })

  it('leaves room in an entry of 65,535 bytes for the longest statement', () => {
    const entry = canonicalJson({
      member: 'm'.repeat(32),
      receivedAt: '2026-11-22T02:15:00.123Z',
      statement: 'x'.repeat(statementBytesMax),
    })
    expect(utf8(entry).length).toBeLessThanOrEqual(65_535)
  })

  it('whatever one changed character makes of it, with a refusal or as another statement, never an exception', () => {
    const jws = signStatement(payload, signer)
    fc.assert(
      fc.property(fc.nat(jws.length - 1), fc.constantFrom('.', 'A', '_', '=', ' ', '中', '\ud800'), (at, character) => {
        const changed = jws.slice(0, at) + character + jws.slice(at + 1)
        try {
          const statement = parseStatement(changed, ledger)
          if (changed !== jws) {
            expect(verifySignature(statement.signingKey, statement.message, statement.signature)).toBe(false)
          }
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal)
          expect(Object.keys(statementRefusals).concat('json.malformed')).toContain((error as Refusal).code)
        }
      }),
    )
  })

  it('reads statements of more keys than it remembers headers of', () => {
    const other = (index: number): JsonObject => ({ ...payload, key: `${index}` })
    for (let index = 0; index < 5_000; index++) {
      // Any 32 bytes will do: whether they are a point is not asked when reading.
      const key = taggedEd25519(encodeCbor([index, 'x'.repeat(40)]).slice(0, 32))
      const part = base64url(`{"alg":"EdDSA","kid":"${kidOf(key)}","typ":"gongzheng"}`)
      expect(parseStatement(parts(canonicalJson(other(index)), part), ledger).kid).toBe(kidOf(key))
    }
    expect(parseStatement(good, ledger).kid).toBe(kid)
  })
})
