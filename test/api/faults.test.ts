import { describe, expect, test } from 'vitest'
import { formatFault, parseFault, verifyFault } from '../../src/chain/fault.ts'
import { twoVotesOf } from '../chain/ledger-fixture.ts'
import { publicServer, saysNo } from './harness.ts'

const file = twoVotesOf('wuhan')
const { kid, kind, detail } = verifyFault(parseFault(file))
const fault = { kid, kind, detail, file, member: 'wuhan' }

describe('GET /v1/faults', () => {
  test('is empty while nobody has contradicted himself', async () => {
    await using api = await publicServer()
    expect((await api.get('/v1/faults')).json()).toEqual({ faults: [] })
  })

  test('names key and member, in words, and the report once it is in', async () => {
    await using api = await publicServer()
    api.ledger.found.push({ ...fault, reportedIn: null })
    const title = { zh: '同一任期投了两票', en: 'two votes in one term' }
    const shown = { kid, member: 'wuhan', kind: 'two-votes', title, detail: 'two votes in term 7', reportedIn: null }
    expect((await api.get('/v1/faults')).json()).toEqual({ faults: [shown] })
    api.ledger.found[0] = { ...fault, reportedIn: 12 }
    expect((await api.get('/v1/faults')).json()).toEqual({ faults: [{ ...shown, reportedIn: '12' }] })
  })
})

describe('GET /v1/faults/{kid}', () => {
  test('gives the file to the byte, to be kept under a name that says what it is', async () => {
    await using api = await publicServer()
    api.ledger.found.push({ ...fault, reportedIn: null })
    const response = await api.get(`/v1/faults/${kid}`)
    expect(response.headers['content-disposition']).toBe('attachment; filename="fault-wuhan-two-votes.json"')
    expect(response.body).toBe(file)
    expect(formatFault(parseFault(response.body))).toBe(file)
  })

  test('says no to a key of which there is none, and to what is no key', async () => {
    await using api = await publicServer()
    expect(saysNo(await api.get(`/v1/faults/${kid}`))).toEqual([404, 'fault.not-found'])
    expect(saysNo(await api.get('/v1/faults/wuhan'))).toEqual([400, 'request.bad-parameter'])
  })
})

test('the stream of events tells of every fault once, also of those from before', async () => {
  await using api = await publicServer()
  api.ledger.found.push({ ...fault, reportedIn: 12 })
  const url = await api.app.listen({ host: '127.0.0.1', port: 0 })
  const stop = new AbortController()
  const response = await fetch(`${url}/v1/events`, { signal: stop.signal })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('event: attested')) text += (await reader.read()).value ?? ''
  expect(text.split('event: fault')).toHaveLength(2)
  expect(text).toContain(`data: ${JSON.stringify({ kid, member: 'wuhan', kind: 'two-votes' })}\n\n`)
  stop.abort()
})
