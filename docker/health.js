/**
 * Asks this container's own node whether it answers (`/healthz`) or takes statements (`/readyz`, given as argument), and ends with 0 or 1.
 * Plain JavaScript with nothing but `node:http`: it runs every few seconds for as long as the node lives. What it prints stands in
 * `docker inspect`.
 */
import { get } from 'node:http'

const path = process.argv[2] ?? '/healthz'
const base = process.env.GONGZHENG_URL ?? 'http://127.0.0.1:8440'
/** Docker's own limit is above this, so that the reason is told. */
const answerMs = 4_000

const request = get(new URL(path, base), { agent: false, timeout: answerMs }, (response) => {
  response.resume()
  conclude(response.statusCode === 200, `${path} ${response.statusCode}`)
})
request.on('timeout', () => request.destroy(new Error(`no answer within ${answerMs} ms`)))
request.on('error', ({ message }) => conclude(false, `${path} ${message}`))

/**
 * @param {boolean} isWell
 * @param {string} words
 */
function conclude(isWell, words) {
  process.stdout.write(`${words}\n`)
  process.exitCode = isWell ? 0 : 1
}
