/** A submitter's key: made, kept, and asked to be registered, without a node. */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compactVerify, importJWK } from 'jose'
import { expect, test } from 'vitest'
import { run, runJson, temporaryDirectory } from './run.ts'

const ledger = 'ab'.repeat(32)
const party = 'uscc:91440106MA5K7G209Y'

async function key() {
  const directory = temporaryDirectory()
  const path = join(directory, 'key.json')
  const made = await runJson<{ kid: string }>('keygen', '--out', path, '--party', party)
  expect(made.code).toBe(0)
  return { directory, path, kid: made.json.kid, jwk: JSON.parse(readFileSync(path, 'utf8')) }
}

test('keygen writes a private JWK that only its owner can read, and never over another', async () => {
  const { path, kid, jwk } = await key()
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(jwk).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', kid, party })
  expect(Buffer.from(kid, 'base64url')).toEqual(Buffer.concat([Buffer.of(1), Buffer.from(jwk.x, 'base64url')]))
  const again = await run('keygen', '--out', path)
  expect(again.code).toBe(2)
  expect(again.error).toContain('file.exists')
})

test('a request and a statement are JWS that any JOSE library verifies with the JWK', async () => {
  const { directory, path, kid, jwk } = await key()
  const { d: _secret, ...publicJwk } = jwk
  const publicKey = await importJWK(publicJwk)

  const request = join(directory, 'request.jws')
  const asked = await run(
    ...['register', 'request', '--key', path, '--name', '示例交易平台有限公司', '--role', 'trading-platform'],
    ...['--role', 'agency', '--ledger', ledger, '--out', request],
  )
  expect(asked.code, asked.error).toBe(0)
  const verified = await compactVerify(readFileSync(request, 'utf8').trim(), publicKey)
  expect(verified.protectedHeader).toEqual({ alg: 'EdDSA', kid, typ: 'gongzheng' })
  expect(JSON.parse(Buffer.from(verified.payload).toString())).toEqual({
    ledger,
    type: 'party.key-request@1',
    party,
    name: '示例交易平台有限公司',
    roles: ['trading-platform', 'agency'],
  })

  const fields = join(directory, 'fields.json')
  const statement = join(directory, 'statement.jws')
  writeFileSync(fields, JSON.stringify({ type: 'attest.hash@1', key: 'k-1', ledger }))
  const signed = await run('submit', '--key', path, '--sign-only', statement, fields)
  expect(signed.code, signed.error).toBe(0)
  const { payload } = await compactVerify(readFileSync(statement, 'utf8'), publicKey)
  expect(JSON.parse(Buffer.from(payload).toString())).toEqual({ type: 'attest.hash@1', key: 'k-1', ledger, party })
})

test.each([
  [['--party', 'uscc:91440106MA5K7G209X'], 'party.bad-uscc'],
  [['--party', 'somebody'], 'party.malformed'],
  [['--role', 'king'], 'usage.wrong'],
])('a request with %j is refused before anything is signed (%s)', async (options, code) => {
  const { directory, path } = await key()
  const out = join(directory, 'request.jws')
  const request = ['register', 'request', '--key', path, '--name', 'x', '--ledger', ledger, '--out', out]
  const ran = await run(...request, ...options)
  expect(ran.code).toBe(2)
  expect(ran.error).toContain(code)
})

test('a key file that others can read, that is damaged, or that is something else, is refused', async () => {
  const { directory, path, jwk } = await key()
  const fields = join(directory, 'fields.json')
  writeFileSync(fields, JSON.stringify({ type: 'attest.hash@1', key: 'k-1', ledger }))
  const use = async (): Promise<string> =>
    (await run('submit', '--key', path, '--sign-only', '/dev/null', fields)).error
  chmodSync(path, 0o644)
  expect(await use()).toContain('identity.too-open')
  chmodSync(path, 0o600)
  writeFileSync(path, JSON.stringify({ ...jwk, d: jwk.d.replace(/^./, (c: string) => (c === 'A' ? 'B' : 'A')) }))
  expect(await use()).toContain('key.file-unknown')
  writeFileSync(path, JSON.stringify({ kty: 'RSA' }))
  expect(await use()).toContain('key.file-unknown')
})
