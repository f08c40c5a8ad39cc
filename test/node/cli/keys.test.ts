/** What the commands about keys and rules sign, read back as any JOSE library reads it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { expect, test } from 'vitest'
import { run, runJson, temporaryDirectory } from './run.ts'

const ledger = 'ab'.repeat(32)
const party = 'uscc:91440106MA5K7G209Y'

async function key(directory: string, name: string) {
  const path = join(directory, name)
  const { json } = await runJson<{ kid: string }>('keygen', '--out', path, '--party', party)
  return { path, kid: json.kid }
}

async function signed(...argv: readonly string[]) {
  const out = join(temporaryDirectory(), 'statement.jws')
  const ran = await run(...argv, '--ledger', ledger, '--sign-only', out)
  expect(ran.error).not.toContain('Cause')
  const jws = readFileSync(out, 'utf8').trim()
  return { ...ran, payload: decodeJwt(jws), kid: decodeProtectedHeader(jws).kid }
}

test('revoking says which key, and why; the same command is the same statement', async () => {
  const directory = temporaryDirectory()
  const [strong, lost] = [await key(directory, 'strong.json'), await key(directory, 'lost.json')]
  const command = ['key', 'revoke', '--kid', lost.kid, '--reason', 'lost', '--key', strong.path]
  const { payload, kid } = await signed(...command)
  expect(kid).toBe(strong.kid)
  expect(payload).toMatchObject({ type: 'key.revoke@1', party, ledger, kid: lost.kid, reason: 'lost' })
  expect((await signed(...command)).payload).toEqual(payload)
})

test('a key is rotated by a request of its successor, and lent by one that names its delegator', async () => {
  const directory = temporaryDirectory()
  const [strong, next] = [await key(directory, 'strong.json'), await key(directory, 'next.json')]
  const request = join(directory, 'request.jws')
  const ask = ['register', 'request', '--key', next.path, '--name', '某公司', '--ledger', ledger, '--out', request]
  expect((await run(...ask, '--role', 'vendor')).code).toBe(0)
  const rotated = await signed('key', 'rotate', request, '--ends-at', '2026-12-01T00:00:00Z', '--key', strong.path)
  expect(rotated.payload).toMatchObject({ type: 'key.rotate@1', endsAt: '2026-12-01T00:00:00Z' })
  expect(decodeJwt(String(rotated.payload.request))).toMatchObject({ type: 'party.key-request@2', roles: ['vendor'] })

  const lent = join(directory, 'lent.jws')
  const daily = ['--delegator', strong.kid, '--type', 'attest.hash', '--not-after', '2026-12-01T00:00:00Z']
  expect((await run(...ask.slice(0, -1), lent, ...daily)).code).toBe(0)
  const delegated = await signed('key', 'delegate', lent, '--key', strong.path)
  expect(delegated.payload.type).toBe('key.delegate@1')
  expect(decodeJwt(String(delegated.payload.request))).toMatchObject({
    type: 'party.key-request@2',
    delegator: strong.kid,
    types: ['attest.hash'],
  })
})

test('rules are approved as one ascending list, and what this software does not know is said', async () => {
  const { path } = await key(temporaryDirectory(), 'centre.json')
  const types = ['--type', 'x.y@2', '--type', 'attest.hash@1', '--type', 'x.y@2']
  const { payload, error } = await signed('rules', 'approve', ...types, '--height', '1200', '--key', path)
  expect(payload).toMatchObject({ type: 'rules.activate@1', types: ['attest.hash@1', 'x.y@2'], height: 1200 })
  expect(error).toContain('x.y@2')
  expect(error).toContain('stops before height 1200')
  const wrong = await run('rules', 'approve', ...types, '--height', '1e3', '--key', path)
  expect([wrong.code, wrong.error]).toEqual([2, expect.stringContaining('usage.wrong')])
})

test('a natural person’s request has no name, an organisation’s has one', async () => {
  const directory = temporaryDirectory()
  const { path } = await key(directory, 'key.json')
  const out = join(directory, 'request.jws')
  const ask = ['register', 'request', '--key', path, '--ledger', ledger, '--out', out]
  const person = ['--party', `person:${'0a'.repeat(32)}`]
  expect((await run(...ask, ...person)).code).toBe(0)
  expect(decodeJwt(readFileSync(out, 'utf8').trim())).toMatchObject({ type: 'party.key-request@2', roles: [] })
  expect((await run(...ask, ...person, '--name', '王某')).error).toContain('usage.wrong')
  expect((await run(...ask)).error).toContain('usage.wrong')
})
