/** config.json: strict, and wrong in as many places at once as it is wrong. */
import { expect, test } from 'vitest'
import type { Refusal } from '../../../src/chain/refusal.ts'
import { loadConfiguration, parseConfiguration } from '../../../src/node/configuration.ts'
import { temporaryDirectory } from './run.ts'

const good = {
  member: 'guangzhou',
  listen: ['/ip4/0.0.0.0/tcp/8450'],
  api: { host: '0.0.0.0', port: 8440 },
  private: { host: '127.0.0.1', port: 8460 },
  operations: { host: '127.0.0.1', port: 9440 },
  peers: { wuhan: { addresses: ['/dns4/node.wuhan.example/tcp/8450'], dial: 'out' } },
  logLevel: 'warn',
}

function refusalOf(value: unknown): Refusal {
  try {
    parseConfiguration(JSON.stringify(value))
  } catch (error) {
    return error as Refusal
  }
  throw new Error('not refused')
}

test('a whole configuration is read as it stands; what may be left out may be', () => {
  expect(parseConfiguration(JSON.stringify(good))).toEqual(good)
  const { member, listen, api } = good
  expect(parseConfiguration(JSON.stringify({ member, listen, api }))).toEqual({
    ...{ member, listen, api },
    peers: {},
    logLevel: 'info',
  })
})

test.each([
  ['/api/port', { ...good, api: { host: '0.0.0.0', port: '8440' } }],
  ['/api/port', { ...good, api: { host: '0.0.0.0', port: 65_536 } }],
  ['/api/host', { ...good, api: { host: 'not a host', port: 1 } }],
  ['/private/host', { ...good, private: { host: '0.0.0.0', port: 8460 } }],
  ['/private/port', { ...good, private: { socket: 'a', port: 8460 } }],
  ['/peers/wuhan/dial', { ...good, peers: { wuhan: { dial: 'never' } } }],
  ['/listen/0', { ...good, listen: ['10.0.0.1:8450'] }],
  ['/logLevel', { ...good, logLevel: 'loud' }],
  ['/colour', { ...good, colour: 'red' }],
  ['/member', { ...good, member: undefined }],
])('%s is named when it is wrong', (pointer, value) => {
  const refusal = refusalOf(value)
  expect(refusal.code).toBe('configuration.malformed')
  expect(refusal.fields.map((field) => field.pointer)).toEqual([pointer])
})

test('what is no JSON is said with the line, for it was written by hand', () => {
  const text = JSON.stringify(good, null, 2).replace('"warn"', '"warn",')
  expect(() => parseConfiguration(text)).toThrow(/not JSON \(line \d+ column \d+\)/)
  expect(() => parseConfiguration('{"member": "a", "member": "b"}')).toThrow(/^(?!.*line).*$/)
})

test('a peer named __proto__ is a peer like any other, and no member', () => {
  const { peers } = parseConfiguration(JSON.stringify(good).replace('"wuhan":', '"__proto__":'))
  expect(Object.keys(peers)).toEqual(['__proto__'])
  expect(Object.getPrototypeOf(peers)).toBe(Object.prototype)
})

test('all that is wrong is said at once', () => {
  const refusal = refusalOf({ member: 7, listen: 'x', api: null })
  expect(refusal.fields.map(({ pointer }) => pointer)).toEqual(
    expect.arrayContaining(['/member', '/listen', '/api', '/api/port', '/api/host']),
  )
})

test('a directory that is no home is said to be none', async () => {
  await expect(loadConfiguration(temporaryDirectory())).rejects.toMatchObject({ code: 'configuration.missing' })
})
